//! Whether all text is readable, in both colour schemes.

use crate::browser::Browser;
use serde_json::json;

/// The lowest contrast of any text on the page, with that text: WCAG's ratio, against the nearest opaque background.
const WORST: &str = r"
const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = parts(getComputedStyle(at).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return [255, 255, 255];
};
let worst = [99, ''];
for (const element of document.body.querySelectorAll('*')) {
  const written = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  if (!written || !element.getClientRects().length || element.closest('script, option, .unseen')) continue;
  const style = getComputedStyle(element);
  const ink = parts(element instanceof SVGElement ? style.fill : style.color);
  const [one, two] = [light(ink), light(ground(element))].sort((a, b) => b - a);
  const ratio = (one + 0.05) / (two + 0.05);
  if (ratio < worst[0]) worst = [ratio, element.outerHTML.slice(0, 200)];
}
return worst;";

/// Checks the current page in the light and the dark scheme.
pub fn check(browser: &Browser) {
    let mut papers = Vec::new();
    for scheme in ["light", "dark"] {
        // Without motion, no colour is in transition.
        let features = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}
        ]});
        browser.devtools("Emulation.setEmulatedMedia", &features);
        let worst = browser.run(WORST);
        assert!(worst[0].as_f64().expect("a ratio") >= 4.5, "{scheme}: {worst}");
        papers.push(browser.text("getComputedStyle(document.body).backgroundColor"));
    }
    assert_ne!(papers[0], papers[1]);
    browser.devtools("Emulation.setEmulatedMedia", &json!({"features": []}));
}
