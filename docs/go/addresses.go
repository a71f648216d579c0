package main

// Each end knows both addresses.
func addresses() {
	client, server := connection()
	defer client.Close()
	defer server.Close()
	// ANCHOR: addresses
	record(
		"network", client.LocalAddr().Network(),
		"client_local", client.LocalAddr().String(),
		"client_remote", client.RemoteAddr().String(),
		"server_local", server.LocalAddr().String(),
		"server_remote", server.RemoteAddr().String(),
	)
	// ANCHOR_END: addresses
}
