//! `/etc/network/interfaces` (interfaces(5), bridge-utils-interfaces(5), vlan-interfaces(5)).

codes! {
    MISPLACED "interfaces-misplaced":
        "A line stands outside of any stanza and begins none itself. ifup then reads nothing of the whole file.",
        "Correct the first word, or move the line below its iface line.";
    EMPTY "interfaces-empty":
        "The line needs something behind its first word. ifup then reads nothing of the whole file, if it is an option or an iface line.",
        "Write the value, or remove the line.";
    NO_FAMILY "interfaces-no-family":
        "The iface line names neither family nor method. ifupdown2 and ifupdown-ng take that; Debian's ifupdown then reads nothing of the whole file.",
        "Write `inet static`, `inet manual`, `inet dhcp`, or what it should be.";
    FAMILY "interfaces-family":
        "The word behind the link is no address family. Debian's ifupdown then reads nothing of the whole file.",
        "Write `inet` or `inet6`.";
    METHOD "interfaces-method":
        "The family has no such method, or none is given. Debian's ifupdown then reads nothing of the whole file.",
        "Write a method that the family has: mostly `static`, `manual` or `dhcp`.";
    INHERITS "interfaces-inherits":
        "The stanza inherits from one that does not stand before it. ifupdown then reads nothing of the whole file.",
        "Write that stanza before this one.";
    EXTRA "interfaces-extra":
        "The line has more words than ifup reads.",
        "Remove them. A comment needs a line of its own.";
    SCRIPT "interfaces-script":
        "A mapping has exactly one script.",
        "Remove the others, or write the one that is missing.";
    COMMENT "interfaces-comment":
        "A `#` that is not the first character of a line is no comment: it belongs to the value.",
        "Move the comment to a line of its own.";
    NAME "interfaces-name":
        "No link of Linux can have this name, so there will never be one to bring up.",
        "Take a name of at most 15 visible characters without `/`.";
    UNDEFINED "interfaces-undefined":
        "The link is to be brought up and has no iface stanza. ifup says so and leaves it.",
        "Write its stanza, or correct the name.";
    UNKNOWN_OPTION "interfaces-unknown-option":
        "The option is almost one that exists. ifup hands it to scripts that do not look for it.",
        "Correct the spelling.";
    ADDRESS "interfaces-address":
        "The value is no address of the stanza's family.",
        "Write an address, perhaps with `/` and the length of its network.";
    NO_ADDRESS "interfaces-no-address":
        "The method `static` has no address, so that ifup fails for this link.",
        "Write an `address` line, or use the method `manual`.";
    NETMASK "interfaces-netmask":
        "The value is no netmask: neither a length nor ones followed by zeros.",
        "Write a length such as 24, or a mask such as 255.255.255.0.";
    TWICE "interfaces-twice":
        "The option is there twice. Debian's ifupdown joins both values, and the command it makes of them fails.",
        "Remove one. A second address goes into a second iface stanza for the same link.";
    VALUE "interfaces-value":
        "The value cannot be what the option stands for.",
        "The message says what it should be.";
    OWN_PORT "interfaces-own-port":
        "A bridge is to be a port of itself, and no kernel does that.",
        "Name the NIC.";
    PORT_TWICE "interfaces-port-twice":
        "A link is to be a port of two bridges, and can be of one only: the second gets an error.",
        "Decide for one; for two networks on one wire use VLAN links.";
    VLAN_ID "interfaces-vlan-id":
        "A VLAN has a number from 1 to 4094.",
        "Write the number in the link's name or in `vlan-id`.";
}
