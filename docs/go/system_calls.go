package main

import (
	"os"
	"syscall"
	"time"
)

// Computing is done in user mode; what system calls do counts as the kernel's time.
func modes() {
	reader, writer, err := os.Pipe()
	check(err)
	defer reader.Close()
	defer writer.Close()
	// The numbers of the files, so that Go's runtime has no part in it.
	in, out, page := int(reader.Fd()), int(writer.Fd()), make([]byte, os.Getpagesize())
	sum := 0
	timesOf("computing", func() {
		for i := range page {
			sum = sum*31 + i
		}
	})
	timesOf("writing and reading a pipe", func() {
		syscall.Write(out, page)
		syscall.Read(in, page)
	})
}

func timesOf(work string, do func()) {
	// ANCHOR: modes
	before, used := rusage(), usedCPU()
	for usedCPU()-used < 60*time.Millisecond {
		for i := 0; i < 1000; i++ {
			do()
		}
	}
	after := rusage()
	user := (after.Utime.Nano() - before.Utime.Nano()) / 1000
	system := (after.Stime.Nano() - before.Stime.Nano()) / 1000
	// ANCHOR_END: modes
	record("work", work, "user_us", user, "system_us", system)
}
