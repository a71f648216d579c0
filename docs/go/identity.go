package main

import (
	"os"
	"os/exec"
)

var identitySteps = []step{{"ids", ids}, {"pids", pids}}

type id struct {
	PID  int `json:"pid"`
	PPID int `json:"ppid"`
}

// This process, its parent, and on up to the one that has none.
func ids() (any, error) {
	// ANCHOR: ids
	chain := []id{{os.Getpid(), os.Getppid()}}
	for ppid := os.Getppid(); ppid != 0; ppid = parentOf(ppid) {
		chain = append(chain, id{ppid, parentOf(ppid)})
	}
	return chain, nil
	// ANCHOR_END: ids
}

type numbers struct {
	PIDs []int `json:"pids"`
}

// Numbers of children that were started one after the other: threads and strangers take some between them.
func pids() (any, error) {
	record := numbers{}
	// ANCHOR: pids
	for i := 0; i < 5; i++ {
		child := exec.Command("true")
		if err := child.Run(); err != nil {
			return nil, err
		}
		record.PIDs = append(record.PIDs, child.Process.Pid)
	}
	// ANCHOR_END: pids
	return record, nil
}
