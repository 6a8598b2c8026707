//! The grammar of xm's files, which was Python, and what can be made of it without running it
//! (contract 6.3).

codes! {
    SYNTAX "xm-syntax":
        "Here stands something that Python has no place for. xm stops and uses nothing of the file.",
        "Write `name = value`, one a line, with texts in quotes.";
    CHARACTER "xm-character":
        "A character that means something only within quotes stands outside of them.",
        "Put the text in quotes.";
    NUMBER "xm-number":
        "This begins as a number and goes on as something else, or is larger than any number read here.",
        "Put it in quotes if it is a text.";
    TEXT "xm-text":
        "A text has a prefix or an escape that xm's Python does not know.",
        "Write `\\\\` for a backslash, and `'…%s…' % value` to put a value into a text.";
    TEXT_OPEN "xm-text-open":
        "A text begins with a quote and does not end.",
        "Add the same quote at its end; a text over several lines has three of them on each side.";
    BRACKET "xm-bracket":
        "A bracket is not closed, or closes nothing.",
        "Every `(`, `[` and `{` has its own closing bracket.";
    INDENT "xm-indent":
        "Python tells blocks by their indentation, and this line's fits no block.",
        "Indent all lines of a block alike, and those outside of it as the line above the block.";
    DEPTH "xm-depth":
        "Expressions or blocks stand in each other, deeper than any guest's file needs.",
        "Give parts of it names of their own.";
    UNSUPPORTED "xm-unsupported":
        "xm ran the file as Python. xenwire reads it without running anything, and this is Python that it does not read. It is an error where the guest's name, kind or vifs depend on it, otherwise a warning.",
        "Write the value itself, or one of: texts, numbers, lists, dictionaries, `%`, `.format`, `for`, `if`, a `def` with `return`.";
    VARIABLE "xm-variable":
        "A name is used that the file does not set. With xm it came from the command line, as in `xm create foo.cfg vmid=3`.",
        "Give it with `--var NAME=VALUE`, or set it in the file. If a text was meant, put it in quotes.";
    FAULT "xm-fault":
        "Python stops here with an exception: the value cannot be made. xm creates no guest from such a file.",
        "Correct the expression.";
    MACHINE "xm-machine":
        "What the guest's network is depends on something that only the machine knows: its architecture, its files, its clock. xenwire reads files without looking at the machine.",
        "Set the name, the kind and the vifs by values that stand in the file, or give them with `--var`.";
    LIMIT "xm-limit":
        "The file computes for longer, or makes larger values, than any guest's description needs. Reading stops here.",
        "Write the values themselves.";
    TUPLE "xm-tuple":
        "`vif` is a tuple. xm takes a setting only if it is a text, a number or a list, and passes over a tuple without a word. It is read as the list that was meant.",
        "Write `[ ]` instead of `( )`.";
    NICS "xm-nics":
        "`nics` adds vifs with nothing but defaults until there are so many. xm called it obsolete, and xl does not know it.",
        "Write the vifs out: `vif = [ '', '' ]` makes two.";
    VIF2 "xm-vif2":
        "`vif2` described vifs of another protocol, which no Xen has any more. They are passed over.",
        "Describe them in `vif`.";
    SXP "xm-sxp":
        "This is a domain as xend stored it, an S-expression, and not what a person writes for `xm create`.",
        "Write a file with `name = …` and `vif = [ … ]`.";
}
