//! What is wrong between the files of a host.

codes! {
    MAC_TWICE "guests-mac-twice":
        "Two vifs have one MAC. On one bridge the frames of both go to whichever spoke last; dom0's tables and any DHCP server take them for one machine. It is only a warning if both are in files of one guest's name, because those cannot run together.",
        "Give each vif its own address, or remove `mac`: then one is drawn at every start.";
    BACKEND_SELF "guests-backend-self":
        "The guest is to be the backend of its own vif. A backend is made in another domain, and a guest cannot wait for itself: xl fails when it creates the vif.",
        "Name the domain at the other end of the cable, or remove `backend` for dom0.";
    BRIDGE_UNKNOWN "guests-bridge-unknown":
        "None of the host's files that were read makes this bridge. If nothing else does, `vif-bridge` fails and xl removes the guest again.",
        "Correct the name, or make the bridge.";
    VIFNAME_TWICE "guests-vifname-twice":
        "Two vifs are to have one name on the host. The second guest does not start. It is only a warning if both are in files of one guest's name.",
        "Rename one, or remove `vifname`: vifs are then called `vif<domid>.<devid>`.";
    VIFNAME_TAKEN "guests-vifname-taken":
        "The vif is to have the name of one of the host's own links. It cannot be renamed to it while that link is there, and a script that is told to work on this name would work on the host's link.",
        "Choose another name.";
    ROUTE_DHCP "guests-route-dhcp":
        "The guest asks a DHCP server for its address and is connected by `vif-route`. Routing needs the address before the guest runs: no route to it is made without one, and the server's offer never arrives.",
        "Give the guest a static address and write it as `ip=` of its vif, or connect it by a bridge.";
}
