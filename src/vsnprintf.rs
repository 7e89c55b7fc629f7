//! What `logMessage.hpp` leaves to C's varargs: arguments that keep their types, and the walk over a format.
//!
//! The article's log lines need `%s` and `%d`; nothing else is a conversion.

use core::ffi::{CStr, c_int};
use core::fmt::Write;

use crate::c::Buffer;

/// A variable argument.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// For `%d`.
    Int(c_int),
    /// For `%s`.
    Str(&'a [u8]),
}

/// A type that can be one.
pub trait Argument {
    /// The letter that stands for it in a format.
    const LETTER: u8;
    /// What it is.
    fn value(&self) -> Value<'_>;
}

macro_rules! argument {
    ($type:ty, $letter:literal, $self:ident => $value:expr $(, $n:ident)?) => {
        impl $(<const $n: usize>)? Argument for $type {
            const LETTER: u8 = $letter;
            fn value(&$self) -> Value<'_> {
                $value
            }
        }
    };
}

argument!(c_int, b'd', self => Value::Int(*self));
argument!(u16, b'd', self => Value::Int(c_int::from(*self)));
argument!(&[u8], b's', self => Value::Str(self));
argument!(&mut [u8], b's', self => Value::Str(self));
argument!(&CStr, b's', self => Value::Str(self.to_bytes()));
argument!(Buffer<N>, b's', self => Value::Str(self), N);

/// The arguments of a line, `(first, (second, ()))`: at most four.
pub trait Arguments {
    /// The letters that stand for them, the first in the lowest byte. Five have no room, and do not compile.
    const LETTERS: u32;
    /// Fills `values` with them.
    fn fill<'a>(&'a self, values: &mut [Value<'a>]);
}

impl Arguments for () {
    const LETTERS: u32 = 0;
    fn fill<'a>(&'a self, _: &mut [Value<'a>]) {}
}

impl<A: Argument, B: Arguments> Arguments for (&A, B) {
    const LETTERS: u32 = A::LETTER as u32 + B::LETTERS * 256;
    fn fill<'a>(&'a self, values: &mut [Value<'a>]) {
        values[0] = self.0.value();
        self.1.fill(&mut values[1..]);
    }
}

/// A format, as a type: what a type knows, the compiler can check.
pub trait Format {
    /// Its text.
    const TEXT: &'static str;
}

/// How many arguments `format` asks for.
pub const fn conversions(format: &str) -> usize {
    let (mut asked, mut at) = (0, 0);
    while at < format.len() {
        asked += (format.as_bytes()[at] == b'%') as usize;
        at += 1;
    }
    asked
}

/// The values of `arguments`. Does not compile unless `F` asks for their kinds.
pub fn values<F: Format, A: Arguments>(arguments: &A) -> [Value<'_>; 4] {
    const {
        let (format, mut letters, mut at) = (F::TEXT.as_bytes(), A::LETTERS, 1);
        while at < format.len() {
            if format[at - 1] == b'%' {
                assert!(format[at] as u32 == letters & 0xff, "%d takes a number, %s a string");
                letters >>= 8;
            }
            at += 1;
        }
        assert!(letters == 0, "the format ends within a conversion");
    }
    let mut values = [Value::Int(0); 4];
    arguments.fill(&mut values);
    values
}

/// The article's `va_start`: the values one after another.
pub fn va_start<'a>(values: &'a [Value<'a>]) -> core::slice::Iter<'a, Value<'a>> {
    values.iter()
}

/// Appends `format` with its arguments to `buf`, up to where it is full.
pub fn vsnprintf<const N: usize>(buf: &mut Buffer<N>, format: &str, mut ap: core::slice::Iter<Value>) {
    let mut parts = format.split('%');
    buf.put(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        match ap.next() {
            Some(Value::Str(string)) => _ = buf.put(string),
            Some(Value::Int(number)) => _ = write!(buf, "{number}"),
            None => {}
        }
        buf.put(&part.as_bytes()[1..]);
    }
}
