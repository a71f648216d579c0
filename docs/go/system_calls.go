package main

import (
	"os"
	"syscall"
	"time"
)

var systemCallSteps = []step{{"modes", modes}}

type mode struct {
	Work     string `json:"work"`
	UserUs   int64  `json:"user_us"`
	SystemUs int64  `json:"system_us"`
}

// Computing is done in user mode; what system calls do counts as the kernel's time.
func modes() (any, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	defer writer.Close()
	// The numbers of the files, so that Go's runtime has no part in it.
	in, out, page := int(reader.Fd()), int(writer.Fd()), make([]byte, os.Getpagesize())
	sum := 0
	return []mode{
		timesOf("computing", func() {
			for i := range page {
				sum = sum*31 + i
			}
		}),
		timesOf("writing and reading a pipe", func() {
			syscall.Write(out, page)
			syscall.Read(in, page)
		}),
	}, nil
}

func timesOf(work string, do func()) mode {
	// ANCHOR: modes
	var before, after syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	used := usedCPU()
	for usedCPU()-used < 60*time.Millisecond {
		for i := 0; i < 1000; i++ {
			do()
		}
	}
	syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	// ANCHOR_END: modes
	since := func(after, before syscall.Timeval) int64 { return (after.Nano() - before.Nano()) / 1000 }
	return mode{work, since(after.Utime, before.Utime), since(after.Stime, before.Stime)}
}
