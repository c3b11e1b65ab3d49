// Package attacks renders presentation attacks and living visits at a terminal, picture by picture, with the
// truth of what each is: what a detector of attacks is chosen and judged by.
//
// A Person is made of photos with the marks of a face mesh. New stages a visit of a Species by a Person for a
// Seed, and Visit.Next gives the camera's pictures one after the other. Two sources of faces:
//   - photos: on paper or on a screen that is held up, bent or cut, or bent by a program;
//   - heads of this package's own: an ellipsoid with a relief of splines and bells, textured with the photo,
//     lit by a lamp, by all sides and by the terminal's screen as an area, with diffuse and specular answer.
//
// A camera of unknown make is drawn for each visit: tone curve, exposure and white balance that lag, noise by
// light, 4:2:0 and JPEG loss, dropped and jittered frames, a rolling shutter in light of 100 Hz.
//
// Invariants:
//   - the same species, person, seed, options and calls of Ask give the same pictures (on one architecture:
//     compilers may fuse multiplications);
//   - ChoosingSeed and JudgingSeed never give the same seed;
//   - it is frozen before any threshold of a detector is chosen: whoever works on a detector changes nothing
//     here in the same commit (TestFrozen);
//   - the depth of a head comes from here alone, never from the face mesh;
//   - no picture is kept; a visit holds some 20 MB.
//
// It says what a detector does to these simulated species, not to others: README.md says what is not
// modelled.
//
// It must not import vision, models, payment or device: it makes inputs for them.
//
// Sources: ISO/IEC 30107-1 and -3 (words); Bookstein 1989 (thin-plate spline); Farkas 1994 (sizes of faces);
// Schmidt et al. 2006 (onset of smiles); Blinn 1977, Weyrich et al. 2006 (skin); ITU-T T.81 (JPEG).
package attacks
