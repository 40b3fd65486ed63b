// Text that stands out too little from its ground (WCAG 2.2, 1.4.3: 4.5). The ground is the nearest ancestor that has a
// whole one; mixed grounds and drawings are left out.
() => {
  const parse = text => (text.match(/^rgba?\(([^)]+)\)$/) || [])[1]?.split(/[ ,/]+/).map(Number);
  const linear = part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  const shine = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const ground = element => {
    for (let each = element; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour && (colour[3] ?? 1) === 1) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest('svg, .vh, .zero')) continue;
    const ink = parse(getComputedStyle(element).color);
    if (!ink) continue;
    const [light, dark] = [shine(ink), shine(ground(element))].sort((a, b) => b - a);
    if ((light + 0.05) / (dark + 0.05) < 4.5) faint.push(walker.currentNode.data.trim());
  }
  return faint;
}
