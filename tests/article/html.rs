//! The `<pre>` elements of a web page as text: without tags and entities, a line of the code on each line.
//!
//! What a site writes before and behind the code stays; `known.rs` does without it.

/// Elements that end a line.
const LINES: [&str; 11] = ["br", "li", "div", "tr", "td", "p", "ul", "ol", "table", "pre", "code"];
const ENTITIES: [(&str, char); 6] =
    [("lt", '<'), ("gt", '>'), ("amp", '&'), ("quot", '"'), ("apos", '\''), ("nbsp", ' ')];

/// The text of each `<pre>`.
pub fn blocks(page: &str) -> Vec<String> {
    let page = format!("-->{page}");
    let parts = page.split("<!--").filter_map(|comment| comment.split_once("-->"));
    let page: String = parts.map(|(_, part)| part).collect();
    let (mut blocks, mut block) = (Vec::new(), String::new());
    // How many `<pre>` are open.
    let mut open = 0;
    for piece in page.split('<').skip(1) {
        let (tag, text) = tag(piece).unwrap_or(("", piece));
        let mut words = tag.split(|c: char| !c.is_ascii_alphanumeric());
        let name = words.find(|word| !word.is_empty()).unwrap_or("").to_lowercase();
        if name == "pre" {
            open = if tag.starts_with('/') { 0.max(open - 1) } else { open + 1 };
        }
        if open == 0 {
            blocks.push(std::mem::take(&mut block));
            continue;
        }
        if LINES.contains(&name.as_str()) && !block.is_empty() && !block.ends_with('\n') {
            block.push('\n');
        }
        block = block + if tag.is_empty() { "<" } else { "" } + &unescaped(text).replace('\u{a0}', " ");
    }
    blocks.push(block);
    blocks.retain(|block| !block.trim().is_empty());
    blocks
}

/// The tag that ends what stands behind a `<`, and the text behind it; `None` if that sign is the code's own.
fn tag(piece: &str) -> Option<(&str, &str)> {
    let is_quoted =
        |at: &usize| ['"', '\''].iter().any(|quote| piece[..*at].matches(*quote).count() % 2 == 1);
    let mut ends = piece.match_indices('>').map(|(at, _)| at);
    let end = ends.clone().find(|at| !is_quoted(at)).or(ends.next());
    let (tag, text) = end.map_or((piece, ""), |end| (&piece[..end], &piece[end + 1..]));
    tag.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!').then_some((tag, text))
}

fn unescaped(text: &str) -> String {
    let mut parts = text.split('&');
    let first = parts.next().unwrap_or("").to_string();
    parts.fold(first, |plain, part| {
        let (entity, after) = part.split_once(';').unwrap_or(("", part));
        let number = entity.strip_prefix('#').unwrap_or("");
        let number = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => number.parse().ok(),
        };
        let named = ENTITIES.iter().find(|(name, _)| *name == entity).map(|(_, sign)| *sign);
        match number.and_then(char::from_u32).or(named) {
            Some(sign) => format!("{plain}{sign}{after}"),
            None => format!("{plain}&{part}"),
        }
    })
}
