package main

import (
	"fmt"
	"os/exec"
	"syscall"
)

var schedulingSteps = []step{{"switching", switching}}

type switches struct {
	Lines    int   `json:"lines"`
	Switches int64 `json:"switches"`
	Answers  int   `json:"answers"`
}

// A command that is asked and waits for the next question gives the CPU away each time.
func switching() (any, error) {
	record := switches{Lines: 100}
	cat := exec.Command("cat")
	stdout, stdin, err := pipesTo(cat)
	if err != nil {
		return nil, err
	}
	if err := cat.Start(); err != nil {
		return nil, err
	}
	// ANCHOR: switching
	for i := 0; i < record.Lines; i++ {
		if _, err := fmt.Fprintln(stdin, i); err != nil {
			return nil, err
		}
		answer := -1
		if _, err := fmt.Fscanln(stdout, &answer); err != nil {
			return nil, err
		}
		if answer == i {
			record.Answers++
		}
	}
	stdin.Close()
	err = cat.Wait()
	record.Switches = cat.ProcessState.SysUsage().(*syscall.Rusage).Nvcsw
	// ANCHOR_END: switching
	return record, err
}
