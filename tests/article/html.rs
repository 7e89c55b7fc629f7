//! A web page as text: without tags, scripts, style sheets and comments, entities decoded, a line of code on each line.
//!
//! Not an installed parser, because a page must be readable where there is no python3 or xmllint, and because the parsing is
//! the smaller part: what counts is which elements start a new line.

/// Elements within a line; all others start a new one.
const INLINE: &str = " a abbr b bdi bdo cite code del em font i img input ins kbd label mark q s samp small span strong \
    sub sup tt u var wbr ";
/// What is inside these is not text of the page.
const HIDDEN: [&str; 4] = ["script", "style", "noframes", "iframe"];
/// Code does not continue across these.
const BORDERS: &str = " /pre /table /textarea /ol /ul /blockquote h1 h2 h3 h4 h5 h6 hr p ";
/// The entities that stand for characters of code.
const ENTITIES: [(&str, char); 34] = [
    ("lt", '<'),
    ("gt", '>'),
    ("amp", '&'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("ensp", ' '),
    ("emsp", ' '),
    ("thinsp", ' '),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("num", '#'),
    ("lbrace", '{'),
    ("lcub", '{'),
    ("rbrace", '}'),
    ("rcub", '}'),
    ("lbrack", '['),
    ("lsqb", '['),
    ("rbrack", ']'),
    ("rsqb", ']'),
    ("lpar", '('),
    ("rpar", ')'),
    ("semi", ';'),
    ("colon", ':'),
    ("comma", ','),
    ("period", '.'),
    ("excl", '!'),
    ("percnt", '%'),
    ("ast", '*'),
    ("equals", '='),
    ("sol", '/'),
    ("bsol", '\\'),
    ("lowbar", '_'),
    ("quest", '?'),
];

/// Marks a place that code does not continue across.
pub const BORDER: char = '\u{1e}';

/// `exact`: a line end of the page is one of the text outside `<pre>` too, as some highlighters' style sheets have it.
pub fn text(page: &str, exact: bool) -> String {
    let (mut text, mut rest) = (String::new(), page);
    // How many `<pre>` are open; which inline elements are, and whether each is a line.
    let (mut pre, mut inline) = (0_u32, Vec::new());
    // The tag right before.
    let mut previous = String::new();
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        add(&mut text, before, exact || pre > 0);
        if !before.trim().is_empty() {
            previous.clear();
        }
        let Some((name, attributes, after)) = tag(from) else {
            text.push('<');
            rest = &from[1..];
            continue;
        };
        rest = after;
        let element = name.trim_start_matches('/');
        let is_line = if !contains(INLINE, element) {
            name != "!"
        } else if name.starts_with('/') {
            let opened = inline.iter().rposition(|(open, _): &(String, bool)| open == element);
            opened.is_some_and(|opened| inline.drain(opened..).any(|(_, is_line)| is_line))
        } else {
            // Some highlighters have a `<code>` for each line, others one for each word.
            let code = name == "code" && pre > 0 && ["pre", "/code"].contains(&&*previous);
            inline.push((name.clone(), code || is_a_line(attributes)));
            code || is_a_line(attributes)
        };
        if is_line && !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        if contains(BORDERS, &name) {
            text += &format!("{BORDER}\n");
        }
        match name.as_str() {
            "pre" => pre += 1,
            "/pre" => pre = pre.saturating_sub(1),
            "textarea" | "xmp" => {
                let (content, after) = closed(rest, &name);
                text += &if name == "xmp" { content.to_string() } else { unescaped(content) };
                rest = after;
            }
            name if HIDDEN.contains(&name) => rest = closed(rest, name).1,
            _ => {}
        }
        previous = name;
    }
    add(&mut text, rest, exact || pre > 0);
    text
}

fn contains(names: &str, name: &str) -> bool {
    names.contains(&format!(" {name} "))
}

/// A line end is a space, and none at the beginning of a line.
fn add(text: &mut String, part: &str, exact: bool) {
    let starts = text.is_empty() || text.ends_with('\n');
    let part = if starts && !exact { part.trim_start_matches('\n') } else { part };
    *text += &unescaped(&if exact { part.to_string() } else { part.replace('\n', " ") });
}

/// The name of the tag that the text begins with (`pre`, `/pre`, `!` for a comment), its attributes, and what follows it.
fn tag(text: &str) -> Option<(String, &str, &str)> {
    if let Some(comment) = text.strip_prefix("<!--") {
        let end = text[2..].find("-->").map_or(comment.len() + 4, |end| end + 5);
        return Some(("!".to_string(), "", &text[end..]));
    }
    if text.starts_with("<!") || text.starts_with("<?") {
        return Some(("!".to_string(), "", text.split_once('>')?.1));
    }
    let end_tag = text.starts_with("</");
    let rest = &text[1 + usize::from(end_tag)..];
    let name = rest.split([' ', '\t', '\n', '/', '>']).next()?;
    let named = text.len() - rest.len() + name.len();
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-:_.".contains(c);
    // `i<n;` is code that a page does not escape.
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(is_name) {
        return None;
    }
    // The `>` that is in no quoted value.
    let (mut quote, mut value) = (None, false);
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at < named) {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '>') => {
                let name = if end_tag { format!("/{name}") } else { name.to_string() };
                return Some((name.to_lowercase(), &text[named..at], &text[at + 1..]));
            }
            (None, '"' | '\'') if value => quote = Some(c),
            (None, c) => value = c == '=' || value && c.is_whitespace(),
        }
    }
    None
}

/// An element within a line that its class or style makes a line.
fn is_a_line(attributes: &str) -> bool {
    let value =
        |name: &str| Some(attributes.split_once(name)?.1.trim_start().strip_prefix('=')?.trim_start());
    let classes = value("class").unwrap_or("");
    let classes = match classes.chars().next() {
        Some(quote @ ('"' | '\'')) => classes[1..].split(quote).next().unwrap_or(""),
        _ => classes.split_whitespace().next().unwrap_or(""),
    };
    let line = |class: &str| class == "line" || class.ends_with("-line") && !class.ends_with("in-line");
    classes.split_whitespace().any(line) || attributes.replace(' ', "").contains("display:block")
}

/// What stands before the end tag, and from it on.
fn closed<'a>(text: &'a str, name: &str) -> (&'a str, &'a str) {
    let is_it = |at: &usize| {
        text.get(at + 2..at + 2 + name.len()).is_some_and(|its| its.eq_ignore_ascii_case(name))
    };
    let at = text.match_indices("</").map(|(at, _)| at).find(is_it);
    text.split_at(at.unwrap_or(text.len()))
}

/// With characters for entities.
pub fn unescaped(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or("").to_string();
    for part in parts {
        match part.split_once(';').and_then(|(entity, after)| Some((character(entity)?, after))) {
            Some((character, after)) => plain = plain + &character.to_string() + after,
            None => plain = plain + "&" + part,
        }
    }
    plain
}

fn character(entity: &str) -> Option<char> {
    let Some(number) = entity.strip_prefix('#') else {
        return ENTITIES.iter().find(|(name, _)| *name == entity).map(|(_, character)| *character);
    };
    let number = match number.strip_prefix(['x', 'X']) {
        Some(digits) => u32::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(number)
}
