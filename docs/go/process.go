package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Says to a child of this program what to do instead of showing anything.
const roleVariable = "NOTE_ROLE"

// patience is how long anything may take that should come soon.
const patience = 8 * time.Second

// self is this program once more, in another role. It dies with its parent.
func self(role string, arguments ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", arguments...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// state is the letter that /proc has for a process, or 0 if it is gone.
func state(pid int) byte {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	end := bytes.LastIndexByte(stat, ')')
	return stat[end+2]
}

// until waits for what is seen only by looking again.
func until(what string, isSo func() bool) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); runtime.Gosched() {
		if isSo() {
			return nil
		}
	}
	return fmt.Errorf("not seen in %v: %s", patience, what)
}

// parked waits until a goroutine waits in function for the kernel: the runtime's own word for it is "IO wait".
func parked(function string) error {
	stacks := make([]byte, 1<<20)
	return until(function+" waits", func() bool {
		text := string(stacks[:runtime.Stack(stacks, true)])
		for _, goroutine := range strings.Split(text, "\n\n") {
			head, rest, _ := strings.Cut(goroutine, "\n")
			if strings.Contains(head, "[IO wait") && strings.Contains(rest, function) {
				return true
			}
		}
		return false
	})
}
