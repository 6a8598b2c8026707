//! Vif specifications (contract 3.6.3).

codes! {
    UNKNOWN_KEY "vif-unknown-key":
        "A vif has no such key. xl prints one line about it and makes the vif without it, so that a misspelt `bridge` puts a guest onto the default bridge. xm does not start the guest.",
        "Correct the spelling. In xl's files keys are followed by `=` at once: a blank before it belongs to the key.";
    NO_EQUALS "vif-no-equals":
        "A part of the specification has no `=`. xm wants one in each part between commas, and does not start the guest without; a comma at the end makes an empty part.",
        "Write the part as KEY=VALUE, or remove the comma.";
    EMPTY "vif-empty":
        "The key has no value. xl hands nothing on as if it were one: `bridge=` is a bridge without a name, and the vif's script fails.",
        "Remove the key to get the default, or give it a value.";
    BLANK "vif-blank":
        "Blanks stand around the value. xl takes them as part of it, and no bridge has a name that ends in a blank.",
        "Remove the blanks.";
    KEY_AGAIN "vif-key-again":
        "The key is set twice in one specification. xl and xm take the last value.",
        "Remove one.";
    OLD_KEY "vif-old-key":
        "The key has a newer name since Xen 4.2.",
        "Use the newer name.";
    ACCEL "vif-accel":
        "`accel` belonged to a driver that is gone. xl ignores it.",
        "Remove it.";
    OF_XEND "vif-of-xend":
        "The key is one of xend's own access control (`policy`, `label`), or the backend's MAC that Xen 3.0 could set (`be_mac`). No later toolstack has anything like it: xl would print a line about an unknown key.",
        "Remove it. Where the labels kept guests apart, use bridges or a firewall for that.";
    MAC "vif-mac":
        "The value is no MAC. xl prints one line, keeps the bytes it has read up to the fault and takes zeros for the others; so the guest gets an address that nobody wrote, and two guests with the same slip get the same one.",
        "Write six pairs of hexadecimal digits with colons, such as 00:16:3e:00:00:02, or leave `mac` out: then an address in 00:16:3e is drawn at every start.";
    MAC_MULTICAST "vif-mac-multicast":
        "The lowest bit of the first byte is set: that is the address of a group, and no NIC can have it. Linux refuses to set it, so the guest stays without network.",
        "Make the first byte even; Xen's own range begins with 00:16:3e.";
    MAC_VENDOR "vif-mac-vendor":
        "The address is neither from Xen's range nor locally administered: it belongs to a manufacturer, and a real card may have it.",
        "Take one that begins with 00:16:3e, or one whose first byte has bit 2 set, such as 02, 06, 0a or 0e.";
    MAC_ZERO "vif-mac-zero":
        "The address of six zeros means none at all to libxl, which draws one at every start. xend hands it on, and the guest's driver cannot use it.",
        "Remove `mac`, or write an address.";
    MAC_ODD "vif-mac-odd":
        "The address is not written as usual. xl reads it all the same: any one character between bytes, any number of digits as long as the number is at most ff, and nothing behind the sixth counts. It is an error if something stands there: a key that was meant to be one is swallowed with it.",
        "Write six pairs of digits with colons, and a comma behind them if more follows.";
    TYPE "vif-type":
        "A vif's `type` says whether an HVM guest has an emulated card beside it (`ioemu`, its default) or not (`vif`). xl prints one line about anything else and goes on without.",
        "Write `type=ioemu` or `type=vif`, or leave it out.";
    BRIDGE "vif-bridge":
        "No bridge can have this name. libxl writes it to xenstore all the same; the vif's script does not find the bridge, and the guest does not start.",
        "Correct the name. `NAME.VLAN` and `NAME:VLAN:VLAN` are understood by Open vSwitch's script only.";
    NAME "vif-name":
        "Linux gives no link such a name: 1 to 15 visible characters, no `/`, no `:`, not `.` or `..`. A `%` would make the kernel choose a number in its place. The vif's script fails when it renames the link, and the guest does not start.",
        "Choose a shorter or plainer name; at most 11 characters for an HVM guest's vif, whose tap has `-emu` behind it.";
    NAME_TAKEN "vif-name-taken":
        "Somebody else will want that name: netback calls its links vifDOMID.DEVID, taps end in `-emu`, `lo` is always there, and xend's network-bridge renames cards to pethN. The rename fails, or the other one's does at the next start of another guest.",
        "Choose a name that says whose link it is, such as web-lan.";
    SCRIPT "vif-script":
        "The script cannot be run. libxl takes the whole text for the path of one program, under /etc/xen/scripts unless it begins with `/`: it passes no arguments, unlike xend. The guest does not start; `xl` says that the device could not be added.",
        "Name the script alone. If it needs arguments, write a small script that calls it with them.";
    BACKEND "vif-backend":
        "No domain is called so, nor has this number. xl looks it up when it makes the vif, and gives up.",
        "Give the name of the domain that has the bridge, or leave `backend` out for dom0.";
    IP "vif-ip":
        "A word in `ip` is no address and no network. No toolstack looks into it, they hand the text to the vif's script: vif-route then has nothing to make a route to, and vif-bridge cannot make the rule that holds the guest to its address. The guest does not start, or starts without network.",
        "Write addresses or networks with blanks between them: `ip=192.0.2.7 2001:db8::7`. Names are not looked up.";
    IP_COMMA "vif-ip-comma":
        "A comma stands between addresses. It ends the value: xl takes the next address for a key it does not know, prints one line, and the guest has only the first address; xm does not start the guest.",
        "Put blanks between the addresses.";
    IP_BITS "vif-ip-bits":
        "The address has a prefix length, but is not the first of that network. vif-route hands it to `ip route add`, which refuses it (Invalid argument); a firewall rule lets the guest use every address of the network.",
        "Leave the length out for the guest's one address, or write the network's own address.";
    RATE "vif-rate":
        "The value is no rate. xl prints a line and gives up, whatever else is in the file. xend says nothing and sets no limit at all, also for an interval without its `s` and for limits above 4294967295 bytes in an interval.",
        "Write number, unit, `/s`, and the interval if need be: `10Mb/s` (megabits), `1MB/s@20ms` (megabytes, counted every 20 ms). Units are K, M and G, each 1000 times the one before.";
    RATE_NOTHING "vif-rate-nothing":
        "At this rate the guest may send less than one byte in an interval, which is counted as none. xl writes `0` to xenstore and netback never lets a frame out: the guest has a network that only receives. xend sets no limit at all.",
        "Take a higher rate or a longer interval.";
    RATE_OCTAL "vif-rate-octal":
        "The number has a leading 0, and xl reads it as octal: 010Mb/s is 8 megabits. xm read it as decimal.",
        "Remove the 0.";
    DEVID "vif-devid":
        "The device number is none. xl gives up if the value does not begin with a digit; else it reads the digits and ignores the rest, and of a large number only the low 32 bits are left.",
        "Write a number from 0, or leave `devid` out to take the position in the list.";
    MTU "vif-mtu":
        "The MTU is no number, or no link of Xen's can have it: IPv4 needs 68 at least, and netback carries 65535 at most. xl gives up if the value does not begin with a digit; else it reads the digits and ignores the rest. The vif's script then fails when it sets it.",
        "Write a number such as 1500 or 9000, not larger than the bridge's own MTU, or leave `mtu` out.";
    VLAN "vif-vlan":
        "The value is no list of VLANs, or not one that a port can have. xl since 4.19 hands the text on as it is, earlier ones do not know the key.",
        "Write `10` for a guest that knows nothing of VLANs, or the port's own VLAN with `p` and the tagged ones behind it: `10p/20/100-110`.";
}
