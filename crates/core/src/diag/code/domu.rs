//! Guests' files.

codes! {
    OF_XM "domu-of-xm":
        "The file is of xm's day: it is Python, or at least not what xl reads. xl stops at the place shown and uses nothing of the file. It is read here as xm read it, and the rest of what is said is about that.",
        "If it is still needed, write it anew in xl's grammar: settings with texts, numbers and lists, and no expressions. With `--syntax xl` you see everything that xl refuses, with `--syntax xm` this is not said.";
    NO_NAME "domu-no-name":
        "The guest has no name, and xl creates no guest without one.",
        "Add a line such as `name = \"foo\"`.";
    TYPE "domu-type":
        "The guest's kind is none that Xen knows.",
        "Write `type = \"pv\"`, `\"pvh\"` or `\"hvm\"`.";
    VIF_LIST "domu-vif-list":
        "`vif` is not a list. xl refuses the file.",
        "Put the specification, in quotes, between `[` and `]`.";
    VIF_TEXT "domu-vif-text":
        "An element of `vif` is not a text.",
        "Write each vif as one text in quotes: `'mac=00:16:3e:00:00:02,bridge=br0'`.";
    DEVID_TWICE "domu-devid-twice":
        "Two vifs of the guest have the same device number, and would share their nodes in xenstore.",
        "Give each its own `devid`, or to none: then each has its position in the list.";
    VIFNAME_LONG "domu-vifname-long":
        "A fully virtual guest's vif has a tap beside it, named as the vif with `-emu` behind. A link's name has at most 15 bytes, which leaves 11 for `vifname`.",
        "Shorten the name, or write `type=vif` for a vif without an emulated card.";
}
