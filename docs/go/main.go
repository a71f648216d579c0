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

// A step shows one thing: a record, or a slice of records.
type step struct {
	name string
	show func() (any, error)
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

// What a child of this program does instead: see process.go.
var roles = map[string]func(arguments []string) error{
	"map":                writeMapped,
	"orphan":             beOrphaned,
	"wait-for-signal":    waitForSignal,
	"close-without-stop": closeWithoutStop,
}

func main() {
	asJSON := flag.Bool("json", false, "print records as JSON lines")
	flag.Usage = usage
	flag.Parse()
	if role, found := roles[os.Getenv(roleVariable)]; found {
		exit(role(flag.Args()))
	}
	if flag.NArg() < 1 || flag.NArg() > 2 {
		usage()
		os.Exit(2)
	}
	exit(show(flag.Arg(0), flag.Arg(1), *asJSON))
}

func show(name, only string, asJSON bool) error {
	shown := false
	for _, step := range stepsOf(name) {
		if only != "" && step.name != only {
			continue
		}
		shown = true
		record, err := step.show()
		if errors.As(err, new(cannotShow)) && only == "" {
			fmt.Fprintf(os.Stderr, "%s: cannot be shown here: %v\n", step.name, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		if err := tell(record, asJSON); err != nil {
			return err
		}
	}
	if !shown {
		usage()
		os.Exit(2)
	}
	return nil
}

func stepsOf(name string) []step {
	for _, heading := range headings {
		if heading.name == name {
			return heading.steps
		}
	}
	return nil
}

// What this machine lacks.
type cannotShow string

func (why cannotShow) Error() string {
	return string(why)
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
