//! How much of the store a domain other than dom0 may use.

/// Limits for every domain but dom0. The defaults are those of C xenstored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Nodes that a domain owns.
    pub nodes: usize,
    /// Bytes of one node: value, names of its children, permissions.
    pub node_size: usize,
    /// Watches of a domain, on all its connections.
    pub watches: usize,
    /// Open transactions of a domain, on all its connections.
    pub transactions: usize,
    /// Nodes that one transaction reads or writes.
    pub transaction_nodes: usize,
    /// Entries of one permission list.
    pub perms: usize,
}

impl Default for Quotas {
    fn default() -> Quotas {
        Quotas {
            nodes: 1000,
            node_size: 2048,
            watches: 128,
            transactions: 10,
            transaction_nodes: 1024,
            perms: 5,
        }
    }
}
