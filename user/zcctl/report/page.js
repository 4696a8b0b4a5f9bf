// SPDX-License-Identifier: GPL-2.0-only
// The page of zcctl report does without it; with it what a chart's titles say is there at once,
// by touch and keyboard, too, and what is folded is printed.
"use strict";
(() => {
	const tip = document.createElement("div");
	const texts = new WeakMap();

	tip.id = "tip";
	tip.hidden = true;
	tip.setAttribute("role", "tooltip");
	document.body.append(tip);

	// The browser's own tip would come as well.
	for (const title of document.querySelectorAll("svg title")) {
		texts.set(title.parentNode, title.textContent);
		title.parentNode.setAttribute("aria-label", title.textContent);
		title.remove();
	}
	for (const cell of document.querySelectorAll("td[title]")) {
		texts.set(cell, cell.title);
		cell.removeAttribute("title");
	}

	function find(node) {
		while (node && node !== document && !texts.has(node))
			node = node.parentNode;
		return texts.has(node) ? node : null;
	}

	function show(node, x, y) {
		const room = document.documentElement.clientWidth;

		tip.textContent = texts.get(node);
		tip.hidden = false;
		tip.style.left = "0";
		x = Math.max(4, Math.min(x + 14, room - tip.offsetWidth - 4));
		y = y + 18 + tip.offsetHeight > innerHeight ? y - tip.offsetHeight - 10 : y + 18;
		tip.style.left = x + scrollX + "px";
		tip.style.top = y + scrollY + "px";
	}

	function follow(event) {
		const node = find(event.target);

		if (node)
			show(node, event.clientX, event.clientY);
		else
			tip.hidden = true;
	}

	document.addEventListener("pointermove", follow);
	document.addEventListener("pointerdown", follow);
	document.addEventListener("pointerleave", () => { tip.hidden = true; });
	document.addEventListener("keydown", (event) => {
		if (event.key === "Escape")
			tip.hidden = true;
	});
	document.addEventListener("focusin", (event) => {
		const node = find(event.target);

		if (!node || !event.target.matches(":focus-visible"))
			return;
		const box = node.getBoundingClientRect();
		show(node, box.left + box.width / 2, box.bottom - 10);
	});
	addEventListener("beforeprint", () => {
		for (const details of document.querySelectorAll("details"))
			details.open = true;
	});
})();
