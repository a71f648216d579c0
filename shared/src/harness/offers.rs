//! What an argument may be, for completions and `--help`, where clap is not to judge: other spellings are as good, or
//! the error has words of its own.

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command, Error};

/// Takes any text, and offers these.
#[derive(Clone, Debug)]
pub struct Offers(pub fn() -> Vec<PossibleValue>);

impl TypedValueParser for Offers {
    type Value = String;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<String, Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.0)().into_iter()))
    }
}
