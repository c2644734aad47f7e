// Stands in for NiiVue's reader of Zarr, which the portal never uses: it would triple the size of the script.
