// Command gen films the clips and photos of package visits and writes their hashes into its README:
//
//	go run ./vision/visits/gen -portraits DIR -out vision/visits/clips -readme vision/visits/README.md
//
// DIR holds the two portraits that get-portraits.sh fetches. With -only NAME it films that one and leaves the
// README alone; with -fps 30 it films anew at 30 pictures a second, into NAME-30fps.mjpeg.
package main
