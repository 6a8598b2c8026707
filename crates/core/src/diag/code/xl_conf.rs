//! `/etc/xen/xl.conf` (contract 3.6.1).

codes! {
    TEXT "xl-conf-text":
        "The setting should be one text, and is a list or empty.",
        "Write one text in quotes.";
    LINK "xl-conf-link":
        "The setting should name a link of the host, and no link can have this name.",
        "Write a name of at most 15 visible characters without `/` and `:`.";
    OLD_KEY "xl-conf-old-key":
        "The key has a newer name. xl still reads the old one, unless the newer is set too.",
        "Use the newer name.";
    UNKNOWN_KEY "xl-conf-unknown-key":
        "No vif has such a default. xl reads over it without a word.",
        "Correct the spelling, or remove the line.";
    NO_EFFECT "xl-conf-no-effect":
        "xl reads the key and does nothing with it since Xen 4.6.",
        "Remove the line.";
}
