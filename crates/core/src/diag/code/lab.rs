//! `lab.toml`.

codes! {
    TOML "lab-toml":
        "The file is not TOML, or has a table or key that no scenario has.",
        "The message is the TOML reader's; `docs/lab.md` lists every key.";
    BAD_VALUE "lab-bad-value":
        "A text cannot be what its key stands for: an address, a link's name, a MAC, a protocol.",
        "The message says what it should be.";
    NAME_TWICE "lab-name-twice":
        "Two machines, LANs or guests have one name.",
        "Rename one; `dom0` is always the host.";
    ADDRESS_TWICE "lab-address-twice":
        "Two machines have one address.",
        "Change one.";
    MAC_TWICE "lab-mac-twice":
        "Two NICs of the scenario have one MAC. On one LAN neither would work for long.",
        "Change one, or remove it: then one is drawn.";
    LINK_TWICE "lab-link-twice":
        "A machine has two links of one name.",
        "Rename one.";
    PORT_TWICE "lab-port-twice":
        "A link is a port of two bridges. It can be in one.",
        "Remove it from one.";
    UNKNOWN_LAN "lab-unknown-lan":
        "A NIC is on a LAN that the scenario does not have.",
        "Correct the name, or add `[lan.NAME]`.";
    UNKNOWN_MACHINE "lab-unknown-machine":
        "A claim names a machine that the scenario does not have.",
        "Correct the name. Machines, guests and `dom0` can be named.";
    UNKNOWN_NIC "lab-unknown-nic":
        "A NIC is named that the machine does not have.",
        "Correct the name. A guest's NICs are eth0, eth1, in the order of its vifs.";
    ROUTE "lab-route":
        "A route lacks something, or its gateway cannot be reached.",
        "Give it `via` with an address on one of the machine's networks, or `nic`.";
    NO_CONFIG "lab-no-config":
        "A guest's file is not in the scenario's folder.",
        "Correct the path, which is relative to the `lab.toml`.";
    GUEST_NAME "lab-guest-name":
        "The guest has a name that no machine of a lab can have. A machine is a folder and a network namespace, and is typed in commands.",
        "The message says which character is in the way. On a host the name may be good; rename the guest in the scenario.";
    CLAIM_EMPTY "lab-claim-empty":
        "A claim can never be tried: it has no protocol, no family or nobody with an address.",
        "Complete it or remove it.";
    CLAIM_FAMILY "lab-claim-family":
        "A claim asks for a family of addresses that the machine has none of.",
        "Give the machine an address, or take the family out of the claim.";
    CLAIM_NOBODY "lab-claim-nobody":
        "A claim is about an address that no machine of the scenario has.",
        "Give it to a machine, or name one.";
    CLAIM_SELF "lab-claim-self":
        "A claim is about a machine reaching itself.",
        "Name another machine.";
}
