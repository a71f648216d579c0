//! What becomes of tcpsock where descriptors and threads are few, and calls fail.

#[path = "../../shared/tests/injected/mod.rs"]
mod injected;
#[path = "../../shared/tests/nobody/mod.rs"]
mod nobody;
#[path = "../../shared/tests/starved/mod.rs"]
mod starved;

#[test]
fn no_command_hangs_or_panics_for_want_of_descriptors_or_threads() {
    // Without `concurrent`: a server that gets no descriptor for a client waits for one, and so does the client.
    let commands: [&[&str]; 15] = [
        &["sockets"],
        &["sockets", "--table"],
        &["raw"],
        &["listen"],
        &["connect"],
        &["addresses"],
        &["read"],
        &["demo"],
        &["eagain"],
        &["eagain", "--network", "unix"],
        &["udp"],
        &["buffered"],
        &["close"],
        &["deadline"],
        &["bench", "--quick", "--pin", "same", "tcp"],
    ];
    starved::every_command_ends_and_says_why(env!("CARGO_BIN_EXE_tcpsock"), &commands);
}

#[test]
fn what_a_call_fails_for_that_was_not_asked_is_no_observation() -> std::io::Result<()> {
    let failures: [(&[&str], &str, &str); 11] = [
        (&["sockets"], "socket:error=ENOBUFS:when=3+", "tcpsock: socket AF_INET SOCK_DGRAM"),
        (&["sockets", "--table"], "listen:error=ENOMEM", "tcpsock: connect to 127.0.0.1: {}"),
        (&["deadline"], "recvfrom:error=ENOMEM", "tcpsock: the trickling peer: {}"),
        (&["buffered"], "recvfrom:error=EIO:when=4+", "{}"),
        (&["close"], "recvfrom:error=ENOMEM", "tcpsock: read, the client's end: {}"),
        (&["close"], "accept4:error=ENOMEM", "tcpsock: accept, the listener: {}"),
        (&["read"], "sendto:error=ENOMEM", "tcpsock: write, the server's end: {}"),
        (&["udp"], "sendto:error=ENOMEM:when=1014+", "tcpsock: write, UDP: {}"),
        (&["connect"], "listen:error=ENOMEM", "tcpsock: listen, the listener: {}"),
        (&["addresses"], "bind:error=ENOMEM", "{}"),
        (&["listen"], "listen:error=ENOMEM:when=4+", "{}"),
    ];
    for (command, failure, said) in failures {
        injected::is_an_error(env!("CARGO_BIN_EXE_tcpsock"), command, failure, said)?;
    }
    Ok(())
}

/// One of these writes is to an eventfd(2): were it given up, the server's loop would sleep for ever.
#[test]
fn a_write_that_a_signal_interrupts_leaves_no_loop_asleep() -> std::io::Result<()> {
    let nth_write = |nth| format!("write:error=EINTR:when={nth}");
    (1..=4).try_for_each(|nth| injected::ends_with(0, env!("CARGO_BIN_EXE_tcpsock"), &["demo"], &nth_write(nth), ""))
}
