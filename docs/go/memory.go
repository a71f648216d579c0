package main

import (
	"fmt"
	"os"
	"syscall"
)

var memorySteps = []step{{"larger-than-ram", largerThanRAM}, {"touched", touched}, {"shared", sharedPage}}

type reserved struct {
	MemoryGiB uint64 `json:"memory_gib"`
	MappedTiB int    `json:"mapped_tib"`
	Then      string `json:"then"`
}

// Addresses cost no memory: they run out long after it.
func largerThanRAM() (any, error) {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return nil, err
	}
	record := reserved{MemoryGiB: uint64(info.Totalram) * uint64(info.Unit) >> 30}
	const tib, most = 1 << 40, 1 << 12
	// ANCHOR: larger
	for ; record.MappedTiB < most; record.MappedTiB++ {
		flags := syscall.MAP_PRIVATE | syscall.MAP_ANON | syscall.MAP_NORESERVE
		memory, err := syscall.Mmap(-1, 0, tib, syscall.PROT_NONE, flags)
		if err != nil {
			record.Then = err.Error()
			break
		}
		defer syscall.Munmap(memory)
	}
	// ANCHOR_END: larger
	return record, nil
}

type firstTouch struct {
	Pages       int   `json:"pages"`
	FirstFaults int64 `json:"faults_of_first_touch"`
	Faults      int64 `json:"faults_after_that"`
}

// A page gets its frame when it is touched first, and a fault each is how the kernel learns of it.
func touched() (any, error) {
	record := firstTouch{Pages: 1000}
	page := os.Getpagesize()
	flags := syscall.MAP_PRIVATE | syscall.MAP_ANON
	memory, err := syscall.Mmap(-1, 0, record.Pages*page, syscall.PROT_READ|syscall.PROT_WRITE, flags)
	if err != nil {
		return nil, err
	}
	defer syscall.Munmap(memory)
	if err := syscall.Madvise(memory, syscall.MADV_NOHUGEPAGE); err != nil && err != syscall.EINVAL {
		return nil, fmt.Errorf("madvise: %w", err)
	}
	// ANCHOR: touched
	touch := func() int64 {
		before := faults()
		for i := 0; i < len(memory); i += page {
			memory[i] = 1
		}
		return faults() - before
	}
	record.FirstFaults = touch()
	record.Faults = touch()
	// ANCHOR_END: touched
	return record, nil
}

func faults() int64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Minflt
}

type sharedByte struct {
	ChildWrote  string `json:"child_wrote"`
	ParentReads string `json:"parent_reads"`
}

// What two processes map shared is one page.
func sharedPage() (any, error) {
	wrote, err := throughMapping()
	if err != nil {
		return nil, err
	}
	record := sharedByte{ChildWrote: "C", ParentReads: "nothing"}
	if wrote {
		record.ParentReads = "C"
	}
	return record, nil
}
