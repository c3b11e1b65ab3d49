// Package sim holds no code of the terminal: its tests drive the real engine, the real journal on real
// SQLite, the real server for registers and the real reporter and receiver through shop days that a seed
// decides, with a disk, a broker, a clock, faces, registers and an attacker that do their worst; on some of
// them the terminal serves a vending machine as well, whose adapter loses lines and power.
//
// The disk is a layer below SQLite (an sqlite3_vfs over the system's own): it knows what was synced, and a
// power cut keeps of the rest what the seed says, torn at sectors. Time is that of a bubble
// (testing/synctest), so that days pass in milliseconds.
//
// SIM_SEED=n repeats one day, SIM_SEEDS=n sets how many are played, from SIM_FIRST on. TestMutations
// builds the program with a mistake in it, one at a time, and wants the days to notice.
//
// It imports nothing; its tests import payment and all its rooms.
//
// Sources: house rules of the simulation (invariants); sqlite.org/c3ref/io_methods.html for the layer.
package sim
