package main

import (
	"fmt"
	"os/exec"
	"syscall"
)

var stateSteps = []step{{"states", states}}

type made struct {
	State   string `json:"state"`
	How     string `json:"how"`
	SIGKILL string `json:"sigkill"`
}

// Each state that a Go program can put a child into, met with SIGKILL.
func states() (any, error) {
	var records []made
	for _, state := range []struct {
		letter byte
		how    string
		cmd    *exec.Cmd
		sent   syscall.Signal
	}{
		{'R', "busy loop", exec.Command("sh", "-c", "while :; do :; done"), 0},
		{'S', "read", exec.Command("cat"), 0},
		{'T', "SIGSTOP", exec.Command("cat"), syscall.SIGSTOP},
		{'Z', "exited, not waited for", exec.Command("true"), 0},
	} {
		end, err := meet(state.cmd, state.letter, state.sent)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", state.how, err)
		}
		records = append(records, made{string(state.letter), state.how, end})
	}
	return records, nil
}

// ANCHOR: meet
func meet(cmd *exec.Cmd, letter byte, sent syscall.Signal) (string, error) {
	if _, err := cmd.StdinPipe(); err != nil {
		return "", err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	if err := cmd.Process.Signal(sent); err != nil {
		return "", err
	}
	err := until("state "+string(letter), func() bool { return state(cmd.Process.Pid) == letter })
	cmd.Process.Kill()
	cmd.Wait()
	return cmd.ProcessState.String(), err
}

// ANCHOR_END: meet
