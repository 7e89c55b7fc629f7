//! The language of what the tools say: Chinese where the locale is, otherwise English.

/// Whether the user's locale is Chinese: the first of these that is set decides.
pub fn chinese() -> bool {
    let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set);
    locale.is_some_and(|locale| locale.starts_with("zh"))
}

/// `say!("{n} lessons", "{n} 课")`: a text of the user's language, as `format!` makes it.
#[macro_export]
macro_rules! say {
    ($english:literal, $chinese:literal $(, $argument:expr)* $(,)?) => {
        if $crate::support::language::chinese() {
            format!($chinese $(, $argument)*)
        } else {
            format!($english $(, $argument)*)
        }
    };
}

/// How many columns of a terminal `text` takes: a Chinese letter takes two.
pub fn columns(text: &str) -> usize {
    let wide = |c: char| {
        matches!(u32::from(c), 0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3
        | 0xf900..=0xfaff | 0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff | 0x20000..=0x3fffd)
    };
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}
