//! A test for each case of a data file, with the case's own name: it runs alone, and one failure hides no other.

/// `cases! { play: no_words, two_at_once }`: a test for each name, which calls `play("no_words")`.
///
/// Rust needs the names in the source. [`Cases::assert_are`], called by a test of `CASES`, says which line
/// to write when the data file has others.
///
/// With modules, each name is a test in each of them: `cases! { mod fixed: super::check; mod printed: …; for [no_words] }`.
#[macro_export]
macro_rules! cases {
    ($(mod $module:ident: $run:path;)+ for $names:tt) => {
        $(
            mod $module {
                $crate::cases! { @in_module $run, $names }
            }
        )+
    };
    (@in_module $run:path, [$($name:ident),+ $(,)?]) => {
        $crate::cases! { $run: $($name),+ }
    };
    ($run:path: $($name:ident),+ $(,)?) => {
        #[allow(dead_code)]
        pub const CASES: $crate::harness::cases::Cases = $crate::harness::cases::Cases {
            names: &[$(stringify!($name)),+],
            file: file!(),
            line: line!(),
        };
        $(
            #[test]
            fn $name() {
                $run(stringify!($name));
            }
        )+
    };
}

/// The names that a `cases!` lists, and where.
pub struct Cases {
    pub names: &'static [&'static str],
    pub file: &'static str,
    pub line: u32,
}

impl Cases {
    /// Fails unless these are the names of `data`, in which `-` is `_`; says which lines to change.
    pub fn assert_are<S: AsRef<str>>(&self, data: &str, names: impl IntoIterator<Item = S>) {
        let wrong = self.wrong(data, names);
        assert!(wrong.is_empty(), "the cases! of {}:{}\n{}", self.file, self.line, wrong.join("\n"));
    }

    pub fn wrong<S: AsRef<str>>(&self, data: &str, names: impl IntoIterator<Item = S>) -> Vec<String> {
        let in_data: Vec<String> = names.into_iter().map(|name| name.as_ref().replace('-', "_")).collect();
        let mut wrong = Vec::new();
        for name in in_data.iter().filter(|name| !self.names.contains(&name.as_str())) {
            wrong.push(format!("add `{name},`: {data} has this case, and no test runs it"));
        }
        for name in self.names.iter().filter(|name| !in_data.iter().any(|other| other == *name)) {
            wrong.push(format!("remove `{name},`: {data} has no such case"));
        }
        wrong
    }
}
