//! From places to SVG. Colours come from the style sheet through variables, so that one picture is
//! right in light, in dark and on paper; attributes repeat the light ones for viewers that know no
//! variables. Arrow heads are drawn, not referred to: nothing in a picture needs an id, so any
//! number of them can stand in one page.

use super::{
    Flow, Graph, Key, Look, Sample, Shape, Tone,
    layers::{Arrow, Net, Shown, What},
    measure::{self, Bulk, SMALL, TEXT, TEXT_LINE, TITLE, TITLE_LINE},
    place::Places,
};
use crate::{sanitize, words};
use std::fmt::Write as _;

const COLOURS: &str = include_str!("../../templates/colours.css");
const STYLE: &str = include_str!("../../templates/svg.css");
/// Fonts whose widths are known, or nearly.
const FONTS: &str = "Arial, 'Liberation Sans', 'Helvetica Neue', Helvetica, Roboto, sans-serif";
/// Around everything.
const MARGIN: f64 = 14.0;
/// Length of an arrow head.
const HEAD: f64 = 7.0;
/// Longest description made from nodes and edges.
const DESCRIBED: usize = 40;

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawing {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// It stretches to any width; `width` is only what it likes best.
    pub(crate) stretches: bool,
    /// Title and description.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Drawing {
    /// As a file of its own.
    pub fn standalone(&self) -> String {
        let namespace = " xmlns=\"http://www.w3.org/2000/svg\"";
        let style = format!("<style>\n{COLOURS}{STYLE}</style>\n");
        let paper = "<rect class=\"g-paper\" width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n";
        let (head, body) = (&self.head, &self.body);
        if !self.stretches {
            return format!("{}{head}{style}{paper}{body}</svg>\n", self.tag("", namespace));
        }
        let (width, height) = (self.width, self.height);
        let outer = Drawing {
            width: width + 2 * MARGIN as u32,
            height: height + 2 * MARGIN as u32,
            stretches: false,
            head: String::new(),
            body: String::new(),
        };
        let tag = outer.tag("", namespace);
        let inner =
            format!("<svg x=\"{MARGIN}\" y=\"{MARGIN}\" width=\"{width}\" height=\"{height}\">\n");
        format!("{tag}{head}{style}{paper}{inner}{body}</svg></svg>\n")
    }

    /// As a part of a page that has the style sheet.
    pub(crate) fn embedded(&self, class: &str) -> String {
        format!("{}{}{}</svg>", self.tag(class, ""), self.head, self.body)
    }

    fn tag(&self, class: &str, more: &str) -> String {
        let (width, height) = (self.width, self.height);
        let size = if self.stretches {
            format!("width=\"100%\" height=\"{height}\"")
        } else {
            format!("width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\"")
        };
        let gap = if class.is_empty() { "" } else { " " };
        format!(
            "<svg{more} class=\"drawing{gap}{class}\" role=\"img\" {size} font-family=\"{FONTS}\" font-size=\"{TEXT}\">\n"
        )
    }
}

/// Text for SVG and XML; hidden characters are shown.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in sanitize::visible(text).chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// A number without needless digits.
pub(crate) fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// The class of a tone and its light colour.
pub(crate) fn tone(tone: Tone) -> (&'static str, &'static str) {
    match tone {
        Tone::Plain => ("g-plain", "#59616d"),
        Tone::Muted => ("g-muted", "#98a1ad"),
        Tone::Good => ("g-good", "#1d6b47"),
        Tone::Info => ("g-info", "#98a1ad"),
        Tone::Low => ("g-low", "#5b93cf"),
        Tone::Medium => ("g-medium", "#d69a1e"),
        Tone::High => ("g-high", "#d9532f"),
        Tone::Critical => ("g-critical", "#9b1c2e"),
    }
}

/// Title and description of a picture.
pub(crate) fn head(title: &str, description: &str) -> String {
    format!(
        "<title>{}</title>\n<desc>{}</desc>\n",
        escaped(&sanitize::prose(title)),
        escaped(&sanitize::prose(description))
    )
}

/// The picture of a laid-out graph.
pub(crate) fn paint(
    graph: &Graph,
    shown: &Shown,
    boxes: &[Bulk],
    net: &Net,
    places: &Places,
    look: &Look,
) -> Drawing {
    let canvas = Canvas { net, places, flow: look.flow };
    let (wide, high) = match look.flow {
        Flow::Down => (places.breadth, places.depth),
        Flow::Right => (places.depth, places.breadth),
    };
    let mut body = String::new();
    for (arrow, way) in shown.edges.iter().zip(&net.ways) {
        canvas.edge(&mut body, shown, arrow, way);
    }
    for ((place, bulk), node) in boxes.iter().enumerate().zip(&shown.nodes) {
        let (x, y) = canvas.corner(place);
        self::node(&mut body, bulk, node.shape, node.tone, x, y);
    }
    for (arrow, way) in shown.edges.iter().zip(&net.ways) {
        canvas.label(&mut body, arrow, way);
    }
    let mut legend = Legend { y: high + 2.0 * MARGIN, wide: wide.max(240.0), most: 0.0 };
    legend.keys(&mut body, &graph.legend);
    legend.left_out(&mut body, shown);
    let width = wide.max(legend.most) + 2.0 * MARGIN;
    let height = legend.y;
    Drawing {
        width: width.ceil() as u32,
        height: height.ceil() as u32,
        stretches: false,
        head: head(&graph.title, &description(graph, shown)),
        body,
    }
}

/// What the picture says, in words.
fn description(graph: &Graph, shown: &Shown) -> String {
    if !graph.description.is_empty() {
        return graph.description.clone();
    }
    let name = |place: usize| shown.nodes.get(place).map_or("", |node| node.title.as_str());
    let mut text = format!("{}.", words::counted(shown.nodes.len() as u64, "node"));
    for arrow in shown.edges.iter().take(DESCRIBED) {
        let label = if arrow.edge.label.is_empty() { "leads to" } else { &arrow.edge.label };
        let surely = if arrow.edge.dashed { " (inferred)" } else { "" };
        let _ = write!(text, " {}: {label}: {}{surely}.", name(arrow.from), name(arrow.to));
    }
    text
}

struct Canvas<'a> {
    net: &'a Net,
    places: &'a Places,
    flow: Flow,
}

impl Canvas<'_> {
    /// A point from where it is beside its neighbours and where from rank to rank.
    fn at(&self, beside: f64, along: f64) -> (f64, f64) {
        match self.flow {
            Flow::Down => (MARGIN + beside, MARGIN + along),
            Flow::Right => (MARGIN + along, MARGIN + beside),
        }
    }

    /// Start and end of an item from rank to rank: it stands in the middle of its rank.
    fn span(&self, item: usize) -> (f64, f64) {
        let one = &self.net.items[item];
        let (start, end) = (self.places.start[one.rank], self.places.end[one.rank]);
        match one.what {
            What::Node => {
                let air = (end - start - one.depth) / 2.0;
                (start + air, end - air)
            }
            _ => (start, end),
        }
    }

    /// Upper left corner of an item.
    fn corner(&self, item: usize) -> (f64, f64) {
        let beside = self.places.middle[item] - self.net.items[item].breadth / 2.0;
        self.at(beside, self.span(item).0)
    }

    /// Where an arrow touches a node: arrows share its side, in the order of where they go.
    fn port(&self, node: usize, way: &[usize], leaves: bool) -> f64 {
        let next = |way: &[usize]| -> Option<usize> {
            if leaves { way.get(1).copied() } else { way.iter().rev().nth(1).copied() }
        };
        let touches = |way: &&Vec<usize>| {
            let end = if leaves { way.first() } else { way.last() };
            end == Some(&node)
        };
        let mut others: Vec<(f64, Option<usize>)> = self
            .net
            .ways
            .iter()
            .filter(touches)
            .map(|way| (next(way).map_or(0.0, |item| self.places.middle[item]), next(way)))
            .collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0));
        let count = others.len();
        let own = others.iter().position(|(_, item)| *item == next(way)).unwrap_or(0);
        let room = (self.net.items[node].breadth * 0.6).min(34.0 * (count as f64 - 1.0));
        let share = if count < 2 { 0.0 } else { own as f64 / (count as f64 - 1.0) - 0.5 };
        self.places.middle[node] + room * share
    }

    /// The points of an arrow: `(beside, along)` in pairs, straight within a pair.
    fn points(&self, way: &[usize]) -> Vec<(f64, f64)> {
        let mut points = Vec::with_capacity(way.len() * 2);
        let last = way.len().saturating_sub(1);
        for (index, item) in way.iter().enumerate() {
            let (start, end) = self.span(*item);
            let rank = self.net.items[*item].rank;
            if index == 0 {
                let beside = self.port(*item, way, true);
                points.extend([(beside, end), (beside, self.places.end[rank])]);
            } else if index == last {
                let beside = self.port(*item, way, false);
                points.extend([(beside, self.places.start[rank]), (beside, start)]);
            } else {
                let beside = self.places.middle[*item];
                points.extend([(beside, start), (beside, end)]);
            }
        }
        points
    }

    fn edge(&self, out: &mut String, shown: &Shown, arrow: &Arrow, way: &[usize]) {
        let mut points = self.points(way);
        if arrow.turned {
            points.reverse();
        }
        let Some(tip) = points.last().copied() else { return };
        let direction = if arrow.turned { -1.0 } else { 1.0 };
        if let Some(last) = points.last_mut() {
            last.1 -= direction * HEAD;
        }
        let (class, colour) = tone(arrow.edge.tone);
        let dash = if arrow.edge.dashed { " stroke-dasharray=\"5 4\"" } else { "" };
        let name = |place: usize| shown.nodes.get(place).map_or("", |node| node.title.as_str());
        let _ = writeln!(
            out,
            "<g class=\"g-edge {class}\" fill=\"none\" stroke=\"{colour}\"><title>{}</title><path d=\"{}\" stroke-width=\"1.6\"{dash}/><path class=\"g-head\" d=\"{}\" fill=\"{colour}\" stroke=\"none\"/></g>",
            escaped(&sanitize::shortened(
                &sanitize::prose(&format!(
                    "{} → {}: {}",
                    name(arrow.from),
                    name(arrow.to),
                    arrow.edge.label
                )),
                400
            )),
            self.curve(&points),
            self.arrow_head(tip, direction)
        );
    }

    fn curve(&self, points: &[(f64, f64)]) -> String {
        let mut path = String::new();
        let mut before: Option<(f64, f64)> = None;
        for &(beside, along) in points {
            let (x, y) = self.at(beside, along);
            match before {
                None => {
                    let _ = write!(path, "M{} {}", short(x), short(y));
                }
                Some((b, _)) if (b - beside).abs() < 0.05 => {
                    let _ = write!(path, "L{} {}", short(x), short(y));
                }
                Some((b, a)) => {
                    let middle = f64::midpoint(a, along);
                    let (x1, y1) = self.at(b, middle);
                    let (x2, y2) = self.at(beside, middle);
                    let [x1, y1, x2, y2, x, y] = [x1, y1, x2, y2, x, y].map(short);
                    let _ = write!(path, "C{x1} {y1} {x2} {y2} {x} {y}");
                }
            }
            before = Some((beside, along));
        }
        path
    }

    fn arrow_head(&self, tip: (f64, f64), direction: f64) -> String {
        let back = tip.1 - direction * (HEAD + 1.0);
        let corners =
            [self.at(tip.0, tip.1), self.at(tip.0 - 4.2, back), self.at(tip.0 + 4.2, back)];
        let corners = corners.map(|(x, y)| format!("{} {}", short(x), short(y)));
        format!("M{}Z", corners.join("L"))
    }

    fn label(&self, out: &mut String, arrow: &Arrow, way: &[usize]) {
        for item in way {
            let one = &self.net.items[*item];
            let What::Label(lines) = &one.what else { continue };
            let (start, end) = self.span(*item);
            let (x, y) = self.at(self.places.middle[*item], f64::midpoint(start, end));
            let wide = match self.flow {
                Flow::Down => one.breadth,
                Flow::Right => one.depth,
            };
            let high = lines.len() as f64 * 14.0 + 3.0;
            let (class, _) = tone(arrow.edge.tone);
            let _ = writeln!(
                out,
                "<g class=\"g-label {class}\" text-anchor=\"middle\" font-size=\"{SMALL}\" fill=\"#59616d\"><rect class=\"g-paper\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"3\" fill=\"#ffffff\"/>",
                short(x - wide / 2.0),
                short(y - high / 2.0),
                short(wide),
                short(high)
            );
            for (index, line) in lines.iter().enumerate() {
                let down = y - high / 2.0 + 12.0 + index as f64 * 14.0;
                let _ = writeln!(
                    out,
                    "<text x=\"{}\" y=\"{}\">{}</text>",
                    short(x),
                    short(down),
                    escaped(line)
                );
            }
            out.push_str("</g>\n");
        }
    }
}

/// A node with its text.
fn node(out: &mut String, bulk: &Bulk, shape: Shape, of: Tone, x: f64, y: f64) {
    let (class, colour) = tone(of);
    let _ = writeln!(
        out,
        "<g class=\"g-node {class}\" fill=\"#1b1e23\">{}",
        outline(shape, x, y, bulk.width, bulk.height, colour)
    );
    let left = x + bulk.inset;
    let mut down = y + bulk.top - 4.0;
    let mut text = |out: &mut String, class: &str, size: f64, step: f64, line: &str, x: f64| {
        down += step;
        let bold = if class == "g-title" { " font-weight=\"700\"" } else { "" };
        let (x, y) = (short(x), short(down));
        let line = escaped(line);
        let _ = writeln!(
            out,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{bold}>{line}</text>"
        );
        down
    };
    for line in &bulk.kind {
        text(out, "g-kind", SMALL, TEXT_LINE, line, left);
    }
    for line in &bulk.title {
        text(out, "g-title", TITLE, TITLE_LINE, line, left);
    }
    for (index, row) in bulk.rows.iter().enumerate() {
        let class = if row.tone == Tone::Muted { "g-line g-faint" } else { "g-line" };
        let dotted = measure::has_dot(row.tone);
        let step = TEXT_LINE + if index == 0 { 4.0 } else { 0.0 };
        let at = text(out, class, TEXT, step, &row.text, left + row.indent);
        if dotted && row.first {
            dot(out, row.tone, left + 3.0, at - 4.2);
        }
    }
    mark(out, &bulk.mark, x + bulk.inset, y);
    out.push_str("</g>\n");
}

fn dot(out: &mut String, of: Tone, x: f64, y: f64) {
    let (class, colour) = tone(of);
    let (x, y) = (short(x), short(y));
    let _ = writeln!(
        out,
        "<circle class=\"g-dot {class}\" cx=\"{x}\" cy=\"{y}\" r=\"3.6\" fill=\"{colour}\"/>"
    );
}

/// A word on the upper edge.
fn mark(out: &mut String, word: &str, x: f64, y: f64) {
    if word.is_empty() {
        return;
    }
    let wide = measure::width(word, SMALL, true) + 12.0;
    let _ = writeln!(
        out,
        "<rect class=\"g-mark\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"17\" rx=\"4\" fill=\"#59616d\"/><text class=\"g-word\" x=\"{}\" y=\"{}\" font-size=\"{SMALL}\" font-weight=\"700\" fill=\"#ffffff\">{}</text>",
        short(x - 4.0),
        short(y - 11.0),
        short(wide),
        short(x + 2.0),
        short(y + 1.5),
        escaped(word)
    );
}

/// The outline of a node.
fn outline(shape: Shape, x: f64, y: f64, wide: f64, high: f64, colour: &str) -> String {
    let look =
        format!("class=\"g-body\" fill=\"#f6f7f8\" stroke=\"{colour}\" stroke-width=\"1.4\"");
    let (right, low) = (x + wide, y + high);
    let n = short;
    match shape {
        Shape::Box | Shape::Round => {
            let round = if shape == Shape::Box { 6.0 } else { (high / 2.0).min(20.0) };
            let (x, y, wide, high) = (n(x), n(y), n(wide), n(high));
            format!(
                "<rect {look} x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{high}\" rx=\"{}\"/>",
                n(round)
            )
        }
        Shape::Hexagon => {
            let (cut, middle) = (10.0, f64::midpoint(y, low));
            let points = [
                (x + cut, y),
                (right - cut, y),
                (right, middle),
                (right - cut, low),
                (x + cut, low),
                (x, middle),
            ];
            let points = points.map(|(x, y)| format!("{},{}", n(x), n(y)));
            format!("<polygon {look} points=\"{}\"/>", points.join(" "))
        }
        Shape::Document => {
            let fold = 11.0;
            format!(
                "<path {look} d=\"M{x0} {y0}H{f}L{r} {g}V{l}H{x0}Z\"/><path class=\"g-fold\" d=\"M{f} {y0}V{g}H{r}\" fill=\"none\" stroke=\"{colour}\"/>",
                x0 = n(x),
                y0 = n(y),
                f = n(right - fold),
                r = n(right),
                g = n(y + fold),
                l = n(low)
            )
        }
        Shape::Cylinder => {
            let (rx, ry) = (n(wide / 2.0), n(6.0));
            let (x, top, right, low) = (n(x), n(y + 6.0), n(right), n(low - 6.0));
            format!(
                "<path {look} d=\"M{x} {top}A{rx} {ry} 0 0 1 {right} {top}V{low}A{rx} {ry} 0 0 1 {x} {low}Z\"/><path class=\"g-fold\" d=\"M{x} {top}A{rx} {ry} 0 0 0 {right} {top}\" fill=\"none\" stroke=\"{colour}\"/>"
            )
        }
    }
}

/// What stands below the graph.
struct Legend {
    y: f64,
    wide: f64,
    most: f64,
}

impl Legend {
    fn keys(&mut self, out: &mut String, keys: &[Key]) {
        if keys.is_empty() {
            return;
        }
        self.y += 6.0;
        let mut x = MARGIN;
        for key in keys.iter().take(16) {
            let text = sanitize::shortened(&sanitize::prose(&key.text), 60);
            let wide = 32.0 + measure::width(&text, SMALL, false);
            if x > MARGIN && x + wide > MARGIN + self.wide {
                x = MARGIN;
                self.y += 18.0;
            }
            sample(out, key.sample, x, self.y);
            let _ = writeln!(
                out,
                "<text class=\"g-key\" x=\"{}\" y=\"{}\" font-size=\"{SMALL}\" fill=\"#59616d\">{}</text>",
                short(x + 28.0),
                short(self.y + 4.0),
                escaped(&text)
            );
            self.most = self.most.max(x - MARGIN + wide);
            x += wide + 14.0;
        }
        self.y += 8.0 + MARGIN;
    }

    fn left_out(&mut self, out: &mut String, shown: &Shown) {
        let mut missing = Vec::new();
        for (count, noun) in [(shown.nodes_left_out, "node"), (shown.edges_left_out, "arrow")] {
            if count > 0 {
                missing.push(words::counted(count, noun));
            }
        }
        if missing.is_empty() {
            return;
        }
        let text = format!("Not drawn: {}.", missing.join(" and "));
        self.most = self.most.max(measure::width(&text, SMALL, false));
        let _ = writeln!(
            out,
            "<text class=\"g-key\" x=\"{}\" y=\"{}\" font-size=\"{SMALL}\" fill=\"#59616d\">{text}</text>",
            short(MARGIN),
            short(self.y + 4.0)
        );
        self.y += 8.0 + MARGIN;
    }
}

fn sample(out: &mut String, sample: Sample, x: f64, y: f64) {
    match sample {
        Sample::Node(shape, of) => {
            let (class, colour) = tone(of);
            let outline = outline(shape, x, y - 7.0, 22.0, 14.0, colour);
            let _ = writeln!(out, "<g class=\"g-node {class}\">{outline}</g>");
        }
        Sample::Edge { dashed, tone: of } => {
            let (class, colour) = tone(of);
            let dash = if dashed { " stroke-dasharray=\"5 4\"" } else { "" };
            let [x0, x1, y0] = [x, x + 22.0, y].map(short);
            let _ = writeln!(
                out,
                "<g class=\"g-edge {class}\" fill=\"none\" stroke=\"{colour}\"><path d=\"M{x0} {y0}H{x1}\" stroke-width=\"1.6\"{dash}/></g>"
            );
        }
        Sample::Dot(of) => dot(out, of, x + 15.0, y),
    }
}
