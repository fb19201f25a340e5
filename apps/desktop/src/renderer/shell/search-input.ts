/** The id of the search box: what Ctrl/⌘+K and the empty state lead to. */
export const searchInputId = 'people-search';
