//! The grammar of xl's files (contract 6.5).

codes! {
    SYNTAX "xl-syntax":
        "Here stands something that xl's grammar has no place for. xl stops at the first such place and uses nothing of the file.",
        "Write `key = value`, one setting a line, with texts in quotes and lists in `[ ]`.";
    CHARACTER "xl-character":
        "A character that means something only within quotes stands outside of them.",
        "Put the value in quotes. If the file was written for xm it may be Python: `--syntax xm` reads it as such.";
    KEY "xl-key":
        "The word left of `=` cannot be a key: xl's keys are of lower-case letters, digits, `.` and `_`, and begin with a letter.",
        "Correct the key.";
    NUMBER "xl-number":
        "This begins as a number and goes on as something else, or is larger than xl can count.",
        "Put it in quotes if it is a text; a number is decimal, octal (leading 0) or hexadecimal (leading 0x).";
    TEXT_OPEN "xl-text-open":
        "A text begins with a quote and its line ends without another one.",
        "Add the same quote at the end of the text; a text stays within its line.";
    ESCAPE "xl-escape":
        "A backslash stands before something that is no escape of xl's.",
        "Write `\\\\` for a backslash itself.";
    ESCAPE_NUMBER "xl-escape-number":
        "A character is written as a number. xl's manual has that, but xl refuses a file with `\\xHH`, and makes nothing of `\\NNN`.",
        "Write the character itself.";
    CARRIAGE_RETURN "xl-carriage-return":
        "The lines end as Windows ends them, with a carriage return before the newline. xl stops at the first one and uses nothing of the file.",
        "Remove them: `sed -i 's/\\r$//' FILE`.";
    LIST_OPEN "xl-list-open":
        "A list begins with `[` and the file, or the next setting, comes before its `]`.",
        "Add the `]`.";
    DEPTH "xl-depth":
        "Lists stand in lists, deeper than any setting of Xen's goes.",
        "Flatten the list.";
    ADD "xl-add":
        "`+=` adds to a setting of another kind: a list to a text, or the other way round.",
        "Make both lists, or both texts.";
    SET_AGAIN "xl-set-again":
        "A key is set a second time. xl takes the last value only.",
        "Remove one of the two, or write `+=` to add to the first.";
}
