//! Vif specifications (contract 3.6.3).

codes! {
    UNKNOWN_KEY "vif-unknown-key":
        "A vif has no such key. xl prints one line about it and makes the vif without it, so that a misspelt `bridge` puts a guest onto the default bridge.",
        "Correct the spelling. Keys are followed by `=` at once: a blank before it belongs to the key.";
    BAD_VALUE "vif-bad-value":
        "The value cannot be what the key stands for.",
        "The message says what it should be.";
    EMPTY "vif-empty":
        "The key has no value.",
        "Remove it to get the default, or give it a value.";
    BLANK "vif-blank":
        "Blanks stand around the value. xl takes them as part of it, and no bridge has a name that ends in a blank.",
        "Remove the blanks.";
    KEY_AGAIN "vif-key-again":
        "The key is set twice in one specification. xl takes the last value.",
        "Remove one.";
    OLD_KEY "vif-old-key":
        "The key has a newer name since Xen 4.2.",
        "Use the newer name.";
    ACCEL "vif-accel":
        "`accel` belonged to a driver that is gone. xl ignores it.",
        "Remove it.";
    MAC_MULTICAST "vif-mac-multicast":
        "The lowest bit of the first byte is set: that is the address of a group, and no NIC can have it. Linux refuses to set it, so the guest stays without network.",
        "Make the first byte even; Xen's own range begins with 00:16:3e.";
    MAC_VENDOR "vif-mac-vendor":
        "The address is neither from Xen's range nor locally administered: it belongs to a manufacturer, and a real card may have it.",
        "Take one that begins with 00:16:3e, or one whose first byte has bit 2 set, such as 02, 06, 0a or 0e.";
    MAC_ZERO "vif-mac-zero":
        "The address of six zeros means none at all: libxl draws one.",
        "Remove `mac`, or write an address.";
    MAC_ODD "vif-mac-odd":
        "The address is not written as usual. libxl reads it all the same: any one character between bytes, one or two digits each, and nothing behind the sixth counts.",
        "Write six pairs of digits with colons.";
    RATE_OCTAL "vif-rate-octal":
        "The number has a leading 0, and xl reads it as octal.",
        "Remove the 0.";
}
