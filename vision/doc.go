// Package vision looks at frames of the customer's camera and says who is there, and whether that person
// consents with a smile.
//
// A Pipeline turns one frame into one Look: it finds the faces, judges whether the frame can be used (and
// if not, says in one word why, so that the screen can help), places 468 landmarks, measures pose, mouth
// and eyes, and computes an embedding that tells people apart. A Visit fuses the Looks of one payment into
// a Finding.
//
// Invariants:
//   - a picture that lies on its side or upside down (an image with a method Turned) is looked at where it
//     lies, and everything that is said of it is said of the upright one;
//   - of a picture that has a region (a method Region) only the faces whose middle lies in it exist; what
//     judges the whole picture sees it whole;
//   - a face that has never moved, while the one beside it did, is a poster: a Visit leaves it out (LookFor),
//     by its place and never by whose it is, and counts it again as soon as it moves;
//   - a Look does not allocate once the Pipeline has seen a frame of that size (for *image.YCbCr, the
//     camera's kind);
//   - time is the film's, which comes with each frame, never a clock's, and what lasts is measured in it, not
//     in frames: a recording ends the same way at any rate and played at any speed;
//   - a Visit consents only when one face, followed without a gap, was recognised from several fused
//     frames, was then seen at rest, and then smiled for a third of a second, in frames that each match the
//     same customer. A swap of the face at any moment starts over from nothing. When in doubt it does not
//     consent;
//   - while the recognised customer rests, frames of a fast camera between tenths of a second are only
//     glanced at (LookFor): the mesh follows the face. A glance counts for nothing, neither for rest nor for
//     smile nor for who it is; a tenth of a second after the last full look, and at once when anything
//     happens, a frame is looked at in full;
//   - embeddings never appear in text: they print, log and marshal as [redacted].
//
// Loops over pixels are marked go:norace: a Pipeline belongs to one goroutine, the race detector goes on
// watching what leads to them, and each pixel watched made the terminal's tests take twice the processor.
//
// What it does not do: tell a living face from a good replay, where nothing is demanded. A photo that never
// changes does not consent; a video might. A visit that demands the light wants the face to answer the
// screen's colours.
//
// It must not import vision/tflite or vision/gallery (networks and gallery come in as interfaces), nor
// payment or device.
//
// Sources: BlazeFace (Bazarevsky et al. 2019, arXiv:1907.05047) and the constants of MediaPipe's
// face_detection_short_range.pbtxt; face mesh (Kartynnik et al. 2019, arXiv:1907.06724); SFace (Zhong et al.
// 2021, IEEE TIP 30) and MobileFaceNet (Chen et al. 2018, arXiv:1804.07573); alignment points of InsightFace;
// similarity by Umeyama (1991). Thresholds name their own.
package vision
