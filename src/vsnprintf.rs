//! What `logMessage.hpp` leaves to C's varargs: a `va_list` that knows its types, and the walk over it.
//!
//! The article's log lines need `%s`, `%d` and `%%`; nothing else is a format.

use core::ffi::{CStr, c_int};

use crate::c::{Buffer, Text};

/// One variable argument.
#[derive(Clone, Copy)]
pub enum Argument<'a> {
    /// For `%d`.
    Int(c_int),
    /// For `%s`.
    Str(&'a [u8]),
}

/// A type that can be a variable argument.
pub trait IntoArgument {
    /// The letter that stands for it in a format.
    const CONVERSION: u8;
    /// The argument.
    fn argument(&self) -> Argument<'_>;
}

impl IntoArgument for c_int {
    const CONVERSION: u8 = b'd';
    fn argument(&self) -> Argument<'_> {
        Argument::Int(*self)
    }
}

impl IntoArgument for u16 {
    const CONVERSION: u8 = b'd';
    fn argument(&self) -> Argument<'_> {
        Argument::Int(c_int::from(*self))
    }
}

impl IntoArgument for [u8] {
    const CONVERSION: u8 = b's';
    fn argument(&self) -> Argument<'_> {
        Argument::Str(self)
    }
}

impl<const N: usize> IntoArgument for Text<N> {
    const CONVERSION: u8 = b's';
    fn argument(&self) -> Argument<'_> {
        Argument::Str(self)
    }
}

impl IntoArgument for CStr {
    const CONVERSION: u8 = b's';
    fn argument(&self) -> Argument<'_> {
        Argument::Str(self.to_bytes())
    }
}

impl IntoArgument for str {
    const CONVERSION: u8 = b's';
    fn argument(&self) -> Argument<'_> {
        Argument::Str(self.as_bytes())
    }
}

impl<T: IntoArgument + ?Sized> IntoArgument for &T {
    const CONVERSION: u8 = T::CONVERSION;
    fn argument(&self) -> Argument<'_> {
        (**self).argument()
    }
}

impl<T: IntoArgument + ?Sized> IntoArgument for &mut T {
    const CONVERSION: u8 = T::CONVERSION;
    fn argument(&self) -> Argument<'_> {
        (**self).argument()
    }
}

/// A format string, as a type: what a type knows, the compiler can check.
pub trait Format {
    /// The text.
    const TEXT: &'static str;
}

/// A tuple of variable arguments, each still with its type.
pub trait Arguments {
    /// The letters that stand for them in a format, in order.
    const CONVERSIONS: &'static [u8];
    /// The arguments, in order.
    fn list(&self) -> impl AsRef<[Argument<'_>]>;
}

macro_rules! arguments {
    ($($name:ident)*) => {
        impl<$($name: IntoArgument),*> Arguments for ($($name,)*) {
            const CONVERSIONS: &'static [u8] = &[$($name::CONVERSION),*];
            #[allow(non_snake_case)]
            fn list(&self) -> impl AsRef<[Argument<'_>]> {
                let ($($name,)*) = self;
                // Gives the empty list its type.
                fn array<const N: usize>(list: [Argument; N]) -> [Argument; N] {
                    list
                }
                array([$($name.argument()),*])
            }
        }
    };
}

arguments!();
arguments!(A);
arguments!(A B);
arguments!(A B C);
arguments!(A B C D);

/// The `va_list` of `arguments`. Does not compile, and that is erratum 2, unless
/// `F` asks for just these arguments, in number and in kind.
pub fn va_start<F: Format, A: Arguments>(arguments: &A) -> impl AsRef<[Argument<'_>]> {
    const { check(F::TEXT.as_bytes(), A::CONVERSIONS) };
    arguments.list()
}

const fn check(format: &[u8], conversions: &[u8]) {
    let (mut at, mut taken) = (0, 0);
    while at < format.len() {
        if format[at] == b'%' {
            at += 1;
            assert!(at < format.len(), "the format ends within a conversion");
            match format[at] {
                b'%' => {}
                b'd' | b's' => {
                    assert!(taken < conversions.len(), "the format asks for more arguments");
                    assert!(format[at] == conversions[taken], "%d takes a number, %s a string");
                    taken += 1;
                }
                _ => panic!("a conversion other than %d, %s and %%"),
            }
        }
        at += 1;
    }
    assert!(taken == conversions.len(), "the format asks for fewer arguments");
}

/// Appends `format` with its arguments to `buf`, up to where it is full.
pub fn vsnprintf<const N: usize>(buf: &mut Buffer<N>, format: &str, ap: &[Argument]) {
    let mut ap = ap.iter();
    let mut format = format.as_bytes();
    while let Some(percent) = format.iter().position(|&c| c == b'%') {
        buf.put(&format[..percent]);
        match format.get(percent + 1) {
            Some(b'd' | b's') => match ap.next() {
                Some(Argument::Int(number)) => put_int(buf, *number),
                Some(Argument::Str(string)) => buf.put(string),
                None => {}
            },
            _ => buf.put(b"%"),
        }
        format = format.get(percent + 2..).unwrap_or_default();
    }
    buf.put(format);
}

fn put_int<const N: usize>(buf: &mut Buffer<N>, number: c_int) {
    let mut digits = [0; 10];
    let mut start = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        buf.put(b"-");
    }
    buf.put(&digits[start..]);
}
