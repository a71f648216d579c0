//! A server as a process of its own, and what /proc says of it.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

pub use super::harness::find_tool;
use super::{Peer, WATCHDOG, harness};

/// How to start a server.
pub struct Setup {
    /// `serve`, or another command that serves.
    pub command: &'static str,
    pub network: &'static str,
    pub program: &'static str,
}

/// A running server, killed when dropped.
pub struct Server {
    pub child: Child,
    pub network: &'static str,
    pub address: String,
    stderr: Option<ChildStderr>,
    _folder: TempDir,
}

impl Setup {
    /// Where to listen: a path in `folder`, or any free port.
    pub fn address_in(&self, folder: &Path) -> String {
        match self.network {
            "unix" | "unixpacket" => folder.join("socket").display().to_string(),
            _ => "127.0.0.1:0".to_owned(),
        }
    }

    pub fn start(&self, options: &[&str]) -> io::Result<Server> {
        self.start_as(Command::new(self.program), options)
    }

    /// With no more than `limit` descriptors.
    pub fn start_with_descriptors(&self, limit: u64, options: &[&str]) -> io::Result<Server> {
        let mut command = Command::new(self.program);
        // SAFETY: setrlimit(2) is async-signal-safe.
        #[allow(unsafe_code, reason = "the limit is for the child alone")]
        unsafe {
            command.pre_exec(move || Ok(setrlimit(Resource::RLIMIT_NOFILE, limit, limit)?));
        }
        self.start_as(command, options)
    }

    /// `command` is the program, or something that runs it.
    pub fn start_as(&self, mut command: Command, options: &[&str]) -> io::Result<Server> {
        let folder = TempDir::new()?;
        let address = self.address_in(folder.path());
        command.args([self.command, "--network", self.network, "--address", &address]).args(options);
        let mut child = harness::quiet(&mut command).spawn()?;
        let stdout = child.stdout.take().map(BufReader::new);
        let stderr = child.stderr.take();
        let mut server = Server { child, network: self.network, address, stderr, _folder: folder };
        let mut line = String::new();
        stdout.into_iter().try_for_each(|mut stdout| stdout.read_line(&mut line).map(drop))?;
        match line.trim_end().rsplit_once(' ') {
            Some((before, address)) if before == format!("listening {}", self.network) => {
                address.clone_into(&mut server.address);
                Ok(server)
            }
            _ => Err(io::Error::other(format!("{line:?}, {}", server.stderr()?))),
        }
    }
}

impl Server {
    pub fn connect(&self) -> io::Result<Peer> {
        Peer::connect(self.network, &self.address)
    }

    pub fn pid(&self) -> Pid {
        harness::pid(&self.child)
    }

    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill(self.pid(), signal)?)
    }

    /// SIGSTOP, and waits until it has stopped.
    pub fn stop(&self) -> io::Result<()> {
        self.signal(Signal::SIGSTOP)?;
        self.wait_until(|server| Ok(server.status("State")?.starts_with('T')))
    }

    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        harness::wait(&mut self.child)
    }

    pub fn take_stderr(&mut self) -> ChildStderr {
        self.stderr.take().unwrap()
    }

    /// What it has said on stderr; after its end.
    pub fn stderr(&mut self) -> io::Result<String> {
        let mut text = String::new();
        self.stderr.take().into_iter().try_for_each(|mut stderr| stderr.read_to_string(&mut text).map(drop))?;
        Ok(text)
    }

    /// Ends it with `signal`: exit code 0 and the counts on stderr.
    pub fn end_by(self, signal: Signal) -> io::Result<String> {
        self.signal(signal)?;
        self.has_ended_in_order()
    }

    /// Waits for exit code 0 and gives the counts on stderr.
    pub fn has_ended_in_order(mut self) -> io::Result<String> {
        let status = self.wait()?;
        let stderr = self.stderr()?;
        assert_eq!((status.code(), status.signal()), (Some(0), None), "{stderr}");
        assert!(stderr.starts_with("served connections="), "{stderr}");
        Ok(stderr)
    }

    /// A field of /proc/PID/status, such as VmRSS.
    pub fn status(&self, field: &str) -> io::Result<String> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        Ok(line.unwrap_or_default().trim().to_owned())
    }

    pub fn resident_bytes(&self) -> io::Result<u64> {
        let kib = self.status("VmRSS")?;
        Ok(kib.trim_end_matches(" kB").parse::<u64>().map_err(io::Error::other)? * 1024)
    }

    /// CPU time of all threads until now.
    pub fn cpu(&self) -> io::Result<Duration> {
        let mut sum = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let schedstat = fs::read_to_string(task?.path().join("schedstat"))?;
            sum += schedstat.split(' ').next().unwrap_or_default().parse::<u64>().map_err(io::Error::other)?;
        }
        Ok(Duration::from_nanos(sum))
    }

    /// Waits until `reached` says so, under the watchdog: for what /proc shows and nothing announces.
    pub fn wait_until(&self, mut reached: impl FnMut(&Server) -> io::Result<bool>) -> io::Result<()> {
        let end = Instant::now() + WATCHDOG;
        while !reached(self)? {
            assert!(Instant::now() < end, "the server never came to it");
            thread::yield_now();
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
