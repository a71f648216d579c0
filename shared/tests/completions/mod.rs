//! The completions that `make install` installs complete what stands behind a command, too.

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

/// Sources the file, and calls its function as readline does for `$1 claims --li`.
const BASH: &str = r#"
    source "$2" || exit
    completer=$(complete -p "$1" | grep -o ' -F [^ ]*')
    COMP_WORDS=("$1" claims --li) COMP_CWORD=2
    "${completer# -F }" "$1" --li claims
    printf '%s\n' "${COMPREPLY[@]}"
"#;

const FISH: &str =
    r#"source $argv[2]; complete --do-complete "$argv[1] claims --li" | string replace --regex '\t.*' ''"#;

/// Asks bash and fish, where they are.
pub fn complete_behind_a_command(name: &str, program: &str) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let [man, bash, zsh, fish] = ["man", "bash", "zsh", "fish"].map(|place| folder.path().join(place));
    assert!(Command::new(program).arg("manual").args([&man, &bash, &zsh, &fish]).status()?.success());
    assert!(zsh.join(format!("_{name}")).exists());
    completes(Command::new("bash").args(["-c", BASH, "bash"]), name, &bash.join(name))?;
    completes(Command::new("fish").args(["--no-config", "--command", FISH]), name, &fish.join(format!("{name}.fish")))
}

fn completes(shell: &mut Command, name: &str, file: &Path) -> io::Result<()> {
    match shell.arg(name).arg(file).output() {
        Err(error) => writeln!(io::stderr(), "skipped: {shell:?}: {error}"),
        Ok(output) => {
            assert_eq!(
                String::from_utf8_lossy(&output.stdout),
                "--list\n",
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            Ok(())
        }
    }
}
