// Searches the names and pages of names.js: those that begin with what was typed come first.
(function () {
    const input = document.getElementById("search"), list = document.getElementById("found");
    const menu = document.getElementById("menu");
    if (window.matchMedia("(max-width: 60rem)").matches) menu.open = false;
    for (const link of menu.querySelectorAll("a"))
        if (link.href === location.href.split("#")[0]) link.setAttribute("aria-current", "page");

    function find() {
        const wanted = input.value.trim().toLowerCase();
        const rank = (e) => (e[0].toLowerCase().startsWith(wanted) ? 0 : 1);
        const found = wanted === "" ? [] :
            names.filter((e) => e[0].toLowerCase().includes(wanted)).sort((a, b) => rank(a) - rank(b)).slice(0, 12);
        list.replaceChildren(...found.map(([name, where, address]) => {
            const item = document.createElement("li"), link = document.createElement("a");
            const place = document.createElement("small");
            link.href = address;
            link.textContent = name + " ";
            place.textContent = where;
            link.append(place);
            item.append(link);
            return item;
        }));
        list.hidden = found.length === 0;
    }
    input.addEventListener("input", find);
    input.addEventListener("keydown", (event) => {
        const first = list.querySelector("a");
        if (event.key === "Enter" && first) first.click();
        if (event.key === "ArrowDown" && first) { event.preventDefault(); first.focus(); }
        if (event.key === "Escape") { input.value = ""; find(); }
    });
})();
