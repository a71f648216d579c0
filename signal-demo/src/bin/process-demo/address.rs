//! An address, as /proc writes it.

use serde::{Serialize, Serializer};

#[derive(Clone, Copy)]
pub struct Address(pub usize);

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:#x}", self.0))
    }
}
