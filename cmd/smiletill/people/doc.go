// Package people is who may do what with a terminal, and who is known to it: the roles owner, technician and
// clerk, the Unix groups and PINs that give them, and what a customer agrees to before a face is taken.
//
// Invariants:
//   - What a role may do stands in one function, Role.May; ARCHITECTURE.md prints it, and a test holds the
//     two together. No door decides by itself.
//   - Who comes by the control socket is known by the kernel's word on the process (SO_PEERCRED and
//     SO_PEERGROUPS), never by what it says of itself.
//   - Nobody's act is written down as another's: the one who asks goes with the request (With, From) down to
//     the fact.
//
// It imports payment alone of the project: neither faces nor pages.
//
// Sources: unix(7); Regulation (EU) 2016/679, articles 7 (1), 9 (2) (a) and 13 for what a consent has to say.
package people
