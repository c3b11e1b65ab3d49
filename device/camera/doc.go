// Package camera gives pictures of the person in front of the terminal: from a USB camera (V4L2), or from
// recorded clips (Load, Clip.Play) that take the camera's place in demonstrations and tests.
//
// A Source fills frames that its caller owns. Around a Source stand, in any combination:
//
//	Find       names the cameras there are by card, place or node; Open takes the first that works
//	Supervise  reopens a camera that failed, fell silent or hangs at one picture, and says so at once
//	Switch     changes clips between two frames
//	Newest     a mailbox of one place: the taker always gets the newest frame, older ones are dropped
//	LockStep   the same taker's interface without dropping: simulations become deterministic
//	Decoder    turns a Frame into an image.Image, upright where the camera is not (Turned), with the region
//	           where customers are, where it sees more (Framed)
//
// Invariants: a frame's bytes are copied out of the driver's memory before the driver may write there
// again; no frame is handed out twice; frames and buffers are reused, so nothing allocates per frame, unless
// a JPEG has to go through the standard library; a picture's dimensions are checked before memory is given to
// it; a source that stops giving frames is an error, never an old picture shown again.
//
// JPEGs are decoded by libjpeg-turbo, which is loaded at run time where it is installed (see FastJPEG). Only
// whole pictures without a warning are taken from it: everything else is the standard library's to judge, so
// that what is accepted does not depend on the machine.
//
// The package imports the standard library, blackjack/webcam, ebitengine/purego and x/sys/unix (whose Mmap
// webcam uses, so that only its Munmap undoes that); never payment, vision, or its parent device.
//
// Sources: ITU-T T.81 (JPEG: markers in annex B, the usual Huffman tables in annex K.3), turbojpeg.h
// of libjpeg-turbo 2.1.5, the Linux V4L2 documentation (VIDIOC_G_FMT, V4L2_PIX_FMT_YUYV), the behaviour of
// blackjack/webcam 0.6.1 as measured on uvcvideo, vivid and v4l2loopback (a start that fails leaves its
// mappings: issue 70 of that project).
package camera
