package main

import (
	"os/exec"
	"syscall"
)

// Each state that a Go program can put a child into, met with SIGKILL.
func states() {
	meet("R", "busy loop", mortal("sh", "-c", "while :; do :; done"), 0)
	meet("S", "read", mortal("cat"), 0)
	meet("T", "SIGSTOP", mortal("cat"), syscall.SIGSTOP)
	meet("Z", "exited, not waited for", mortal("true"), 0)
}

// ANCHOR: meet
func meet(state, how string, cmd *exec.Cmd, signal syscall.Signal) {
	must(cmd.StdinPipe())
	check(cmd.Start())
	check(cmd.Process.Signal(signal))
	until(state, func() bool { return status(cmd.Process.Pid, "State") == state })
	cmd.Process.Kill()
	cmd.Wait()
	record("state", state, "how", how, "sigkill", cmd.ProcessState.String())
}

// ANCHOR_END: meet
