// Go's side of the note: each heading, shown by Go as the Rust commands beside it show it.
//
//	go run . HEADING [STEP]
//
// HEADING is a page of the guide. Without STEP all its steps are shown, in the note's order, a record a line.
// With -json before HEADING the records are JSON.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

// A step shows one thing.
type step struct {
	name string
	show func()
}

type heading struct {
	name  string
	steps []step
}

// In the note's order.
var headings = []heading{
	{"first-sentences", firstSentences},
	{"fork", forkSteps},
	{"identity", identitySteps},
	{"states", stateSteps},
	{"memory", memorySteps},
	{"system-calls", systemCallSteps},
	{"scheduling", schedulingSteps},
	{"synchronisation", synchronisationSteps},
	{"pipes", pipeSteps},
	{"signals", signalSteps},
	{"socket-features", featureSteps},
	{"tcp-ip", tcpSteps},
	{"read", readSteps},
	{"write", writeSteps},
	{"close", closeSteps},
	{"addresses", addressSteps},
	{"deadlines", deadlineSteps},
}

// What a child of this program does instead: see self.
var roles = map[string]func(arguments []string){
	"map":                writeMapped,
	"orphan":             beOrphaned,
	"take-signal":        takeSignal,
	"close-without-stop": closeWithoutStop,
}

var asJSON = flag.Bool("json", false, "print records as JSON lines")

func main() {
	flag.Usage = usage
	flag.Parse()
	if role, found := roles[os.Getenv(roleVariable)]; found {
		exit(run(func() { role(flag.Args()) }))
	}
	steps := find(flag.Arg(0), flag.Arg(1))
	if len(steps) == 0 || flag.NArg() > 2 {
		usage()
		os.Exit(2)
	}
	for _, step := range steps {
		err := run(step.show)
		if errors.As(err, new(cannotShow)) && len(steps) > 1 {
			fmt.Fprintf(os.Stderr, "%s: cannot be shown here: %v\n", step.name, err)
		} else if err != nil {
			exit(fmt.Errorf("%s: %w", step.name, err))
		}
	}
}

// find returns a step of a heading, or all of them where none is named.
func find(name, only string) (found []step) {
	for _, heading := range headings {
		for _, step := range heading.steps {
			if heading.name == name && (only == "" || only == step.name) {
				found = append(found, step)
			}
		}
	}
	return found
}

func exit(err error) {
	if err == nil {
		os.Exit(0)
	}
	fmt.Fprintln(os.Stderr, err)
	if errors.As(err, new(cannotShow)) {
		os.Exit(77)
	}
	os.Exit(1)
}

func usage() {
	fmt.Fprintln(os.Stderr, "usage: go run . [-json] HEADING [STEP]")
	for _, heading := range headings {
		fmt.Fprint(os.Stderr, "  ", heading.name, ":")
		for _, step := range heading.steps {
			fmt.Fprint(os.Stderr, " ", step.name)
		}
		fmt.Fprintln(os.Stderr)
	}
}
