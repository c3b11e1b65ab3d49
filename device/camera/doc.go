// Package camera gives pictures of the person in front of the terminal: from a USB camera (V4L2), or from
// recorded clips (Load, Clip.Play) that take the camera's place in demonstrations and tests.
//
// A Source fills frames that its caller owns. Around a Source stand, in any combination:
//
//	Supervise  reopens a camera that failed or fell silent, and says so within a second
//	Switch     changes clips between two frames
//	Newest     a mailbox of one place: the taker always gets the newest frame, older ones are dropped
//	LockStep   the same taker's interface without dropping: simulations become deterministic
//	Decoder    turns a Frame into an image.Image
//
// Invariants: a frame's bytes are copied out of the driver's memory before the driver may write there
// again; no frame is handed out twice; frames and buffers are reused, so nothing allocates per frame but
// the standard library's JPEG decoder; a picture's dimensions are checked before memory is given to it; a
// source that stops giving frames is an error, never an old picture shown again.
//
// The package imports the standard library and blackjack/webcam; never payment, vision, or its parent device.
//
// Sources: ITU-T T.81 (JPEG: markers in annex B, the usual Huffman tables in annex K.3), the Linux V4L2
// documentation (VIDIOC_G_FMT, V4L2_PIX_FMT_YUYV), the behaviour of blackjack/webcam 0.6.1 as measured on
// uvcvideo, vivid and v4l2loopback.
package camera
