package main

import (
	"os"
	"os/exec"
)

// This process, its parent, and on up to the one that has none.
func ids() {
	// ANCHOR: ids
	record("pid", os.Getpid(), "ppid", os.Getppid())
	for ppid := os.Getppid(); ppid != 0; ppid = parentOf(ppid) {
		record("pid", ppid, "ppid", parentOf(ppid))
	}
	// ANCHOR_END: ids
}

// Numbers of children that were started one after the other: threads and strangers take some between them.
func pids() {
	var numbers []int
	// ANCHOR: pids
	for i := 0; i < 5; i++ {
		child := exec.Command("true")
		check(child.Run())
		numbers = append(numbers, child.Process.Pid)
	}
	// ANCHOR_END: pids
	record("pids", numbers)
}
