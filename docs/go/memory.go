package main

import (
	"os"
	"syscall"
)

// Addresses cost no memory: they run out long after it.
func largerThanRAM() {
	var info syscall.Sysinfo_t
	check(syscall.Sysinfo(&info))
	var mapped int
	var then error
	const tib, most = 1 << 40, 1 << 12
	// ANCHOR: larger
	for ; mapped < most; mapped++ {
		flags := syscall.MAP_PRIVATE | syscall.MAP_ANON | syscall.MAP_NORESERVE
		memory, err := syscall.Mmap(-1, 0, tib, syscall.PROT_NONE, flags)
		if err != nil {
			then = err
			break
		}
		defer syscall.Munmap(memory)
	}
	// ANCHOR_END: larger
	record("memory_gib", uint64(info.Totalram)*uint64(info.Unit)>>30, "mapped_tib", mapped, "then", then)
}

// A page gets its frame when it is touched first, and a fault each is how the kernel learns of it.
func touched() {
	const pages = 1000
	page := os.Getpagesize()
	flags := syscall.MAP_PRIVATE | syscall.MAP_ANON
	memory := must(syscall.Mmap(-1, 0, pages*page, syscall.PROT_READ|syscall.PROT_WRITE, flags))
	defer syscall.Munmap(memory)
	// EINVAL is a kernel without huge pages.
	if err := syscall.Madvise(memory, syscall.MADV_NOHUGEPAGE); err != syscall.EINVAL {
		check(err)
	}
	// ANCHOR: touched
	touch := func() int64 {
		before := rusage().Minflt
		for i := 0; i < len(memory); i += page {
			memory[i] = 1
		}
		return rusage().Minflt - before
	}
	record("pages", pages, "faults_of_first_touch", touch(), "faults_after_that", touch())
	// ANCHOR_END: touched
}
