//! S-expressions, and xend-config.sxp (contract 6.1).

codes! {
    OPEN "sxp-open":
        "A list is opened and never closed. xend refuses the whole file and does not start.",
        "Write the missing `)`.";
    CLOSE "sxp-close":
        "A `)` stands where no list is open. xend refuses the whole file and does not start.",
        "Remove it, or write the `(` it should close.";
    QUOTE "sxp-quote":
        "A text in quotes is never closed, so that everything behind it belongs to it.",
        "Write the missing quote, of the same kind as the first.";
    ESCAPE "sxp-escape":
        "What follows a backslash within quotes is none of the characters xend knows, or a number it reads wrongly.",
        "Write two backslashes for one, or the character itself.";
    CHARACTER "sxp-character":
        "Outside of quotes a word begins with a visible ASCII character. xend stops at any other.",
        "Remove the character, or put the word into quotes. At the very begin of a file it may be an editor's byte order mark.";
    DEEP "sxp-deep":
        "The lists lie in one another deeper than in any file of xend.",
        "Look for a parenthesis that should close a list and does not.";
    KEY_AGAIN "xend-key-again":
        "The key is there twice. xend takes the first, whatever comes later.",
        "Remove one.";
    UNKNOWN_KEY "xend-unknown-key":
        "The key is almost one that sets up networks, and xend reads over it without a word.",
        "Correct the spelling.";
    NO_LIST "xend-no-list":
        "Something stands outside of any list, or in a list without a key. xend reads over it.",
        "Write `(key value)`, or `#` before a comment.";
    MORE_VALUES "xend-more-values":
        "The key takes one value and has several. xend takes the first and drops the rest without a word, so that a script gets no arguments.",
        "Put the script and its arguments into one pair of quotes.";
    VALUE "xend-value":
        "The value cannot be what the key stands for. xend ends with an error when it needs the value.",
        "The message says what it should be.";
    ARGUMENT "xend-argument":
        "The script does not know the argument. It takes any `name=value` and uses only the names it knows.",
        "Correct the spelling, or remove it.";
    ARGUMENT_VALUE "xend-argument-value":
        "The value of the script's argument cannot be what the name stands for.",
        "The message says what it should be.";
    PAIR "xend-pair":
        "The two scripts belong to different kinds of network: one makes a bridge and the other does not use it, or the other way round.",
        "Use network-bridge with vif-bridge, network-route with vif-route, network-nat with vif-nat.";
}
