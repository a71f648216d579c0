package main

import (
	"fmt"
	"os/exec"
	"syscall"
)

// A command that is asked and waits for the next question gives the CPU away each time.
func switching() {
	const lines = 100
	cat := exec.Command("cat")
	stdout, stdin := must(cat.StdoutPipe()), must(cat.StdinPipe())
	check(cat.Start())
	answers := 0
	// ANCHOR: switching
	for i := 0; i < lines; i++ {
		must(fmt.Fprintln(stdin, i))
		var answer int
		must(fmt.Fscanln(stdout, &answer))
		if answer == i {
			answers++
		}
	}
	stdin.Close()
	check(cat.Wait())
	switches := cat.ProcessState.SysUsage().(*syscall.Rusage).Nvcsw
	// ANCHOR_END: switching
	record("lines", lines, "switches", switches, "answers", answers)
}
