// Package spline bends pictures of faces: a thin-plate spline is the smoothest displacement that takes each
// centre where it belongs.
//
// Invariants: the same centres and displacements give the same bits on one architecture, whatever else is
// solved for beside them: films and simulated attacks are compared byte for byte.
//
// It imports the standard library alone; vision/visits and vision/attacks use it, no terminal does.
//
// Source: Bookstein, Principal Warps (IEEE PAMI 11, 1989).
package spline
