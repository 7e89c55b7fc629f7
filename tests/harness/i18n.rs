//! The language of what the tools say: Chinese where the locale is, otherwise English.

/// Whether the user's locale is Chinese: the first of these that is set decides. What tests call directly speaks English,
/// in any locale; the commands that they start speak the user's language.
pub fn chinese() -> bool {
    if cfg!(test) {
        return false;
    }
    let set = |name: &&str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set);
    locale.is_some_and(|locale| locale.starts_with("zh"))
}

/// `say!("{n} lessons", "{n} 课")`: a text of the user's language, as `format!` makes it.
#[macro_export]
macro_rules! say {
    ($english:literal, $chinese:literal $(, $argument:expr)* $(,)?) => {
        if $crate::harness::i18n::chinese() {
            format!($chinese $(, $argument)*)
        } else {
            format!($english $(, $argument)*)
        }
    };
}
