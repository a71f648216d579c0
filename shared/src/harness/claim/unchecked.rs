//! The claims that no program here can check, each with its reason.

use std::fmt;

use self::Why::{GoOnly, Theory};
use super::Verdict::{self, Holds, Imprecise, Refuted};

/// A sentence of the note without an experiment.
#[derive(Debug)]
pub struct Unchecked {
    /// Its number, everywhere.
    pub number: u16,
    /// The note's heading over it.
    pub heading: &'static str,
    /// What the note says, in our words.
    pub says: &'static str,
    /// What it comes to, as its source has it.
    pub verdict: Verdict,
    /// Why no program checks it.
    pub why: Why,
    /// What its source says.
    pub because: &'static str,
}

/// Why no program checks a claim.
#[derive(Clone, Copy, Debug)]
pub enum Why {
    /// A definition, or a matter of the kernel's source.
    Theory,
    /// About Go's language, tools or library, which a machine need not have.
    GoOnly,
}

/// The claim of that number, if it is one of them.
pub fn find(number: u16) -> Option<&'static Unchecked> {
    UNCHECKED.iter().find(|unchecked| unchecked.number == number)
}

impl fmt::Display for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.why {
            Why::Theory => "theory",
            Why::GoOnly => "Go only",
        };
        write!(f, "not checked ({why}): {}", self.because)
    }
}

const fn unchecked(
    number: u16,
    heading: &'static str,
    says: &'static str,
    verdict: Verdict,
    why: Why,
    because: &'static str,
) -> Unchecked {
    Unchecked { number, heading, says, verdict, why, because }
}

/// In the note's order.
pub const UNCHECKED: &[Unchecked] = &[
    unchecked(
        4,
        "Golang笔记-多进程编程理论",
        "Go has pipes, signals and sockets for IPC",
        Imprecise,
        GoOnly,
        "Go's syscall.Mmap maps shared memory too, and its syscall package reaches shmget(2) and flock(2)",
    ),
    unchecked(
        5,
        "进程的定义",
        "a process is the unit to which resources are given",
        Holds,
        Theory,
        "a definition; on Linux the flags of clone(2) decide what is shared",
    ),
    unchecked(21, "进程的标识", "a PID says nothing about its process", Holds, Theory, "a definition"),
    unchecked(
        23,
        "进程的标识",
        "a PID leads to its process's descriptor quickly",
        Holds,
        Theory,
        "the kernel's source: an XArray by number",
    ),
    unchecked(
        57,
        "系统调用",
        "the kernel switches the CPU to kernel mode at a system call",
        Imprecise,
        Theory,
        "the CPU's own instruction switches; the kernel has only set where it goes on",
    ),
    unchecked(
        58,
        "系统调用",
        "kernel functions run in kernel mode only, and the CPU is switched back after them",
        Holds,
        Theory,
        "a definition of the two modes",
    ),
    unchecked(
        61,
        "进程的切换和调度",
        "each process has the CPU to itself, as it sees it",
        Holds,
        Theory,
        "a way of speaking",
    ),
    unchecked(
        68,
        "关于同步",
        "atomic operations are for small, simple things; Go's are in sync/atomic",
        Holds,
        GoOnly,
        "Go's library",
    ),
    unchecked(
        76,
        "管道",
        "one calls first Start, then StdoutPipe",
        Refuted,
        GoOnly,
        "Go answers `exec: StdoutPipe after process started`",
    ),
    unchecked(
        77,
        "管道",
        "StdoutPipe gives an io.ReadCloser, StdinPipe an io.WriteCloser",
        Holds,
        GoOnly,
        "Go's types",
    ),
    unchecked(
        82,
        "管道",
        "ReadLine's bool is false while the line goes on",
        Refuted,
        GoOnly,
        "it is called isPrefix, and is true while the line goes on",
    ),
    unchecked(
        83,
        "管道",
        "the note's listings compile",
        Refuted,
        GoOnly,
        "two of them do not: an undeclared name, and `sigs..`",
    ),
    unchecked(
        84,
        "管道",
        "bufio's WriteTo writes what is buffered",
        Imprecise,
        GoOnly,
        "it also reads the source to its end; `pipe-demo deadlock` shows what that means here",
    ),
    unchecked(96, "管道", "StdinPipe and StdoutPipe are made by os.Pipe", Holds, GoOnly, "Go's source, os/exec"),
    unchecked(
        97,
        "管道",
        "the child's ends are closed right after Start, ours after Wait",
        Holds,
        GoOnly,
        "Go's os/exec; children.rs does the same here",
    ),
    unchecked(
        117,
        "信号",
        "os/signal is for standard signals",
        Imprecise,
        GoOnly,
        "it delivers real-time signals too, but not 34, which its runtime keeps",
    ),
    unchecked(118, "信号", "an os.Signal has String and an empty Signal", Holds, GoOnly, "Go's types"),
    unchecked(
        119,
        "信号",
        "syscall.Signal is an alias of int",
        Refuted,
        GoOnly,
        "it is a type of its own, `type Signal int`",
    ),
    unchecked(
        120,
        "信号",
        "each standard signal has a constant of its number, and String looks into an array called signal",
        Imprecise,
        GoOnly,
        "it is called signals, and there are more constants than signals",
    ),
    unchecked(
        121,
        "信号",
        "Notify's channel is for sending only, its values are of syscall.Signal",
        Holds,
        GoOnly,
        "Go's types",
    ),
    unchecked(
        122,
        "信号",
        "Notify without a list asks for all signals, and nearly all come",
        Imprecise,
        GoOnly,
        "not 9, 19, 32, 34; and SIGURG comes unasked, from Go's scheduler",
    ),
    unchecked(
        123,
        "信号",
        "the loop over the channel ends when that is closed",
        Imprecise,
        GoOnly,
        "without Stop before it, the next signal makes the program panic",
    ),
    unchecked(
        125,
        "信号",
        "a signal that nobody asked for does what the system does by default",
        Refuted,
        GoOnly,
        "Go's runtime catches all it can: some do nothing, some print the goroutines",
    ),
    unchecked(
        131,
        "信号",
        "Notify again, with the same channel, replaces its set",
        Refuted,
        GoOnly,
        "the sets are merged; our registry keeps to that",
    ),
    unchecked(
        133,
        "信号",
        "a map leads from channels to sets, and Stop deletes the key",
        Holds,
        GoOnly,
        "Go's source, os/signal",
    ),
    unchecked(
        134,
        "信号",
        "StartProcess and FindProcess give a process and an error",
        Imprecise,
        GoOnly,
        "on Unix FindProcess never gives an error; `signal-demo send` gives one",
    ),
    unchecked(
        135,
        "信号",
        "go run builds what go build builds",
        Imprecise,
        GoOnly,
        "without debugging information, so other bytes",
    ),
    unchecked(
        136,
        "信号",
        "the program has nothing to do with the go run that started it",
        Refuted,
        GoOnly,
        "it is its child, in its process group",
    ),
    unchecked(
        156,
        "Socket的基本特征",
        "the code of sockets is in the kernel",
        Holds,
        Theory,
        "the kernel's source, net/",
    ),
    unchecked(
        158,
        "基于TCP/IP协议栈的Socket通讯",
        "net.Listen takes tcp, tcp4, tcp6, unix and unixpacket only",
        Imprecise,
        GoOnly,
        "it takes unixgram in some versions, and Accept fails then",
    ),
    unchecked(
        160,
        "基于TCP/IP协议栈的Socket通讯",
        "\"TCP\" is one of the names",
        Refuted,
        GoOnly,
        "`listen TCP: unknown network TCP`; ours say the same",
    ),
    unchecked(
        166,
        "基于TCP/IP协议栈的Socket通讯",
        "ip, ip4 and ip6 are names for Dial",
        Refuted,
        GoOnly,
        "`dial ip: unknown network ip`; a protocol must follow, as in ip4:icmp",
    ),
    unchecked(
        170,
        "基于TCP/IP协议栈的Socket通讯",
        "a Duration counts nanoseconds, and there are constants for longer ones",
        Holds,
        GoOnly,
        "Go's library",
    ),
    unchecked(
        171,
        "基于TCP/IP协议栈的Socket通讯",
        "DialTimeout's time covers looking up the name",
        Holds,
        GoOnly,
        "so it does, and so does --dial-timeout here",
    ),
    unchecked(
        176,
        "基于TCP/IP协议栈的Socket通讯",
        "Go hides partial writes",
        Holds,
        GoOnly,
        "so do write_all and our client; `tcpsock eagain` shows what they hide",
    ),
    unchecked(177, "基于TCP/IP协议栈的Socket通讯", "net.Conn has eight methods", Holds, GoOnly, "Go's types"),
    unchecked(
        183,
        "Read方法",
        "an HTTP header ends in two empty lines",
        Refuted,
        Theory,
        "RFC 9112: in one, CR LF CR LF",
    ),
    unchecked(
        184,
        "Read方法",
        "bufio.Scanner is a function",
        Refuted,
        GoOnly,
        "it is a type, NewScanner is the function",
    ),
    unchecked(
        185,
        "Write方法",
        "bufio.Writer has Write…, ReadFrom, Reset and Flush, and room for 4096 bytes",
        Holds,
        GoOnly,
        "Go's library",
    ),
    unchecked(
        186,
        "Write方法",
        "a Write larger than the buffer goes to the connection, in part at least",
        Holds,
        GoOnly,
        "Go's library",
    ),
    unchecked(
        188,
        "Close方法",
        "Close wakes whoever is blocked in Read or Write",
        Holds,
        GoOnly,
        "Go's runtime does it; close(2) does not, as `tcpsock close` shows",
    ),
    unchecked(
        194,
        "SetDeadline、SetReadDeadline、SetWriteDeadline方法",
        "net/http and net/rpc stand on net",
        Holds,
        GoOnly,
        "Go's library",
    ),
    unchecked(
        195,
        "SetDeadline、SetReadDeadline、SetWriteDeadline方法",
        "the program is gpoc/src/multiproc/socket/tcpsock.go",
        Refuted,
        GoOnly,
        "the repository is goc2p",
    ),
];
