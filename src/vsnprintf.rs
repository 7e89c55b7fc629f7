//! What `logMessage.hpp` leaves to C's varargs: arguments that keep their types, and the walk over a format.
//!
//! The article's log lines need `%s` and `%d`. There is no other conversion, not even `%%`.

use core::ffi::{CStr, c_int};

use crate::c::Buffer;

/// A variable argument.
pub enum Value<'a> {
    /// For `%d`.
    Int(c_int),
    /// For `%s`.
    Str(&'a [u8]),
}

/// A type that the conversion `LETTER` can print.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an argument for the conversion {LETTER}",
    note = "`%d` prints an integer, `%s` a string",
    note = "`()` is a missing argument, '\\0' the end of the format"
)]
pub trait Argument<const LETTER: char> {
    /// Converts to a [`Value`].
    fn value(&self) -> Value<'_>;
}

macro_rules! argument {
    ($letter:literal, $type:ty, $self:ident => $value:expr $(, $n:ident)?) => {
        impl $(<const $n: usize>)? Argument<$letter> for $type {
            fn value(&$self) -> Value<'_> {
                $value
            }
        }
    };
}

argument!('d', c_int, self => Value::Int(*self));
argument!('d', u16, self => Value::Int(c_int::from(*self)));
argument!('s', &[u8], self => Value::Str(self));
argument!('s', &mut [u8], self => Value::Str(self));
argument!('s', &CStr, self => Value::Str(self.to_bytes()));
argument!('s', Buffer<N>, self => Value::Str(self), N);
argument!('\0', (), self => Value::Int(0));

/// The [`Value`]s of the arguments of `$format`, counted from 0; `()` follows the last. Does not compile unless
/// each fits its conversion.
#[macro_export]
macro_rules! values {
    ([$($value:expr),*], $at:expr, $format:expr) => { &[$($value),*] };
    ([$($value:expr),*], $at:expr, $format:expr, $first:expr $(, $rest:expr)*) => {
        $crate::values!([
            $($value,)* $crate::vsnprintf::Argument::<{ $crate::vsnprintf::letter($format, $at) }>::value(&$first)
        ], $at + 1, $format $(, $rest)*)
    };
}

/// The letter of conversion number `at` in `format`; NUL if it has fewer.
pub const fn letter(format: &str, mut at: usize) -> char {
    let (format, mut index) = (format.as_bytes(), 0);
    while index < format.len() {
        if format[index] == b'%' {
            assert!(index + 1 < format.len(), "the format ends inside a conversion");
            if at == 0 {
                return format[index + 1] as char;
            }
            at -= 1;
        }
        index += 1;
    }
    '\0'
}

/// The article's `va_list`: the arguments not yet printed.
pub type VaList<'a> = core::slice::Iter<'a, Value<'a>>;

/// The article's `va_start`.
pub fn va_start<'a>(values: &'a [Value<'a>]) -> VaList<'a> {
    values.iter()
}

/// The article's `va_end`.
pub fn va_end(_: VaList) {}

/// Appends `format` with its arguments to `buf`, up to where it is full.
pub fn vsnprintf<const N: usize>(buf: &mut Buffer<N>, format: &str, ap: &mut VaList) {
    vprintf(format, ap, &mut |text| buf.put(text));
}

/// What each printf does: gives `put` the text of `format` and of its arguments, in order.
pub fn vprintf(format: &str, ap: &mut VaList, put: &mut dyn FnMut(&[u8])) {
    let mut parts = format.split('%');
    put(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        match (part.as_bytes().first(), ap.next()) {
            (Some(b's'), Some(Value::Str(string))) => put(string),
            (Some(b'd'), Some(Value::Int(number))) => put(&Buffer::<11>::of(format_args!("{number}"))),
            _ => {} // `log_message!` compiles no such format.
        }
        put(part.as_bytes().get(1..).unwrap_or_default());
    }
}
