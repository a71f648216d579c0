//! Whether a connection that was read is known to be empty.

/// Whether a socket is known to be empty, or a short read was believed to have emptied it: what can stand
/// behind one is told at [`read`](crate::linux::readiness::read).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Trust {
    /// The kernel said so: `EAGAIN`.
    Sure,
    /// The last read was short.
    Believed { looked_at: bool },
    /// It has been silent since: reads go on until `EAGAIN`.
    Asked,
    /// An event spoke against it: each time, reads go on until `EAGAIN`.
    Lost,
}

impl Trust {
    /// After a short read: whether it is taken for the last one. What comes later makes a new edge.
    #[inline]
    pub(super) fn believe(&mut self) -> bool {
        if matches!(self, Trust::Asked | Trust::Lost) {
            return false;
        }
        *self = Trust::Believed { looked_at: false };
        true
    }

    /// A read answered `EAGAIN`.
    #[inline]
    pub(super) fn emptied(&mut self) {
        if *self != Trust::Lost {
            *self = Trust::Sure;
        }
    }
}
